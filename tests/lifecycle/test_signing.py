"""The writer key, its file, and the receipts that it signs."""

import hashlib
import os
from base64 import b64decode, b64encode
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from lifecycle.signing import (
    FileSigner,
    KeyFileError,
    Receipt,
    create_key_file,
    key_id,
    load_or_create_signer,
    load_signer,
    public_key_text,
    receipt_message,
    sign_receipt,
    verify_receipt,
)

# RFC 8032 §7.1, test 1.
SECRET = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
PUBLIC = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
ORIGIN = "pilot.example/audit"
STREAM = "project/01907c3e"
LEAF = bytes(range(32))


def write_key(path: Path, content: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o7777


@pytest.fixture
def signer(tmp_path: Path) -> FileSigner:
    return load_signer(write_key(tmp_path / "writer.key", SECRET))


def test_a_raw_key_file_signs_as_the_published_key(signer: FileSigner) -> None:
    published = (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )
    assert (signer.public_key, signer.sign(b"").hex()) == (PUBLIC, published)


def test_a_pem_file_holds_the_same_key_as_the_raw_file(signer: FileSigner, tmp_path: Path) -> None:
    pem = Ed25519PrivateKey.from_private_bytes(SECRET).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    assert load_signer(write_key(tmp_path / "writer.pem", pem)) == signer


def test_the_key_id_is_eight_bytes_of_a_separated_hash(signer: FileSigner) -> None:
    expected = hashlib.sha256(b"pilot-audit/writer/v1\n" + PUBLIC).hexdigest()[:16]
    assert (signer.key_id, key_id(PUBLIC)) == (expected, expected)


def test_the_public_key_is_told_in_base64(signer: FileSigner) -> None:
    assert b64decode(public_key_text(signer)) == PUBLIC


def test_a_signer_does_not_print_its_private_key(signer: FileSigner) -> None:
    assert repr(signer) == f"FileSigner(key_id={signer.key_id!r}, public_key={PUBLIC!r})"


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o700, 0o400])
def test_a_key_file_of_another_mode_is_refused(tmp_path: Path, mode: int) -> None:
    path = write_key(tmp_path / "writer.key", SECRET, mode)
    with pytest.raises(KeyFileError) as caught:
        load_or_create_signer(path)
    expected = f"{path} has mode {mode:04o} and must have 0600: if nobody else has read it, "
    assert str(caught.value) == expected + f"run `chmod 600 {path}`, otherwise replace the key"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        SECRET + b"\n",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        Ed25519PrivateKey.from_private_bytes(SECRET).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"password")
        ),
    ],
    ids=["empty", "raw with a line end", "broken", "encrypted"],
)
def test_a_file_without_a_readable_key_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    path = write_key(tmp_path / "writer.key", content)
    with pytest.raises(KeyFileError, match="holds neither an unencrypted PEM private key nor 32 raw bytes"):
        load_or_create_signer(path)
    assert path.read_bytes() == content


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    pem = X25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(KeyFileError, match="another kind of key"):
        load_signer(write_key(tmp_path / "writer.pem", pem))


def test_a_missing_key_file_is_not_made_by_reading(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_signer(tmp_path / "writer.key")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mask", [0o000, 0o077, 0o277])
def test_a_new_key_file_has_mode_0600_in_directories_of_0700_under_any_umask(tmp_path: Path, mask: int) -> None:
    # The oddest mask would lock the directories themselves, so they are there beforehand in that case.
    path = tmp_path / "keys" / "writer" / "key.pem"
    if mask == 0o277:
        path.parent.mkdir(parents=True, mode=0o700)
        path.parents[1].chmod(0o700)
    before = os.umask(mask)
    try:
        create_key_file(path)
    finally:
        os.umask(before)
    assert [mode_of(path), mode_of(path.parent), mode_of(path.parents[1])] == [0o600, 0o700, 0o700]
    assert load_or_create_signer(path) == load_signer(path)


def test_a_key_file_is_never_overwritten_and_no_draft_remains(tmp_path: Path) -> None:
    path = write_key(tmp_path / "writer.key", SECRET)
    with pytest.raises(FileExistsError):
        create_key_file(path)
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("writer.key", SECRET)]


def test_of_many_creators_at_once_one_wins_and_the_others_read_its_key(tmp_path: Path) -> None:
    for turn in range(10):
        path = tmp_path / f"{turn}" / "keys" / "writer.pem"
        barrier = Barrier(8)

        def create(path: Path = path, barrier: Barrier = barrier) -> str:
            barrier.wait()
            return load_or_create_signer(path).key_id

        with ThreadPoolExecutor(8) as pool:
            made = [future.result() for future in [pool.submit(create) for _ in range(8)]]
        assert made == [load_signer(path).key_id] * 8
        assert [file.name for file in path.parent.iterdir()] == ["writer.pem"]


def test_a_receipt_signs_five_lines() -> None:
    lines = ["pilot-audit/receipt/v1", ORIGIN, STREAM, "7", b64encode(LEAF).decode(), ""]
    assert receipt_message(ORIGIN, STREAM, 7, LEAF) == "\n".join(lines).encode()


@pytest.mark.parametrize("line", ["", "a\nb", "a\n", "\na", "a\rb", "a\u2028b", "a\x85b"])
def test_an_origin_or_a_stream_that_is_not_one_line_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="origin must be one line"):
        receipt_message(line, STREAM, 7, LEAF)
    with pytest.raises(ValueError, match="stream must be one line"):
        receipt_message(ORIGIN, line, 7, LEAF)


def test_a_negative_number_or_a_leaf_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="seq cannot be negative"):
        receipt_message(ORIGIN, STREAM, -1, LEAF)
    with pytest.raises(ValueError, match="a leaf hash is 32 bytes, and this one is 31"):
        receipt_message(ORIGIN, STREAM, 7, LEAF[:31])


def test_a_receipt_verifies_with_the_key_that_signed_it(signer: FileSigner) -> None:
    receipt = sign_receipt(signer, ORIGIN, STREAM, 7, LEAF)
    Ed25519PublicKey.from_public_bytes(PUBLIC).verify(receipt.signature, receipt_message(ORIGIN, STREAM, 7, LEAF))
    assert receipt == Receipt(
        ORIGIN, STREAM, 7, LEAF, signer.sign(receipt_message(ORIGIN, STREAM, 7, LEAF)), key_id(PUBLIC)
    )
    assert verify_receipt(receipt, PUBLIC) is True


def test_a_receipt_is_told_as_json_values(signer: FileSigner) -> None:
    receipt = sign_receipt(signer, ORIGIN, STREAM, 7, LEAF)
    assert receipt.to_dict() == {
        "origin": ORIGIN,
        "stream": STREAM,
        "seq": 7,
        "leaf": b64encode(LEAF).decode(),
        "signature": b64encode(receipt.signature).decode(),
        "key_id": signer.key_id,
    }


@pytest.mark.parametrize("name", ["origin", "stream", "leaf", "signature", "key_id", "seq"])
def test_a_receipt_with_any_one_bit_flipped_does_not_verify(signer: FileSigner, name: str) -> None:
    receipt = sign_receipt(signer, ORIGIN, STREAM, 7, LEAF)
    verdicts = [verify_receipt(replace(receipt, **{name: other}), PUBLIC) for other in flips(getattr(receipt, name))]
    assert verdicts == [False] * len(verdicts)


def flips(value: Any) -> list[Any]:
    if isinstance(value, int):
        return [value ^ (1 << bit) for bit in range(53)]
    data = value.encode("ascii") if isinstance(value, str) else value
    flipped = [bytes([*data[:n], data[n] ^ (1 << bit), *data[n + 1 :]]) for n in range(len(data)) for bit in range(8)]
    return [other.decode("latin-1") for other in flipped] if isinstance(value, str) else flipped


def test_a_receipt_does_not_verify_with_another_key(signer: FileSigner, tmp_path: Path) -> None:
    other = load_or_create_signer(tmp_path / "other.pem")
    receipt = sign_receipt(signer, ORIGIN, STREAM, 7, LEAF)
    assert verify_receipt(receipt, other.public_key) is False
    assert verify_receipt(replace(receipt, key_id=other.key_id), other.public_key) is False


def test_a_malformed_receipt_does_not_verify(signer: FileSigner) -> None:
    receipt = sign_receipt(signer, ORIGIN, STREAM, 7, LEAF)
    changes: list[dict[str, Any]] = [{"origin": "a\nb"}, {"seq": -1}, {"leaf": b""}, {"signature": b""}]
    assert [verify_receipt(replace(receipt, **change), PUBLIC) for change in changes] == [False] * 4


def test_a_policy_key_of_another_length_is_a_mistake_and_no_verdict(signer: FileSigner) -> None:
    receipt = sign_receipt(signer, ORIGIN, STREAM, 7, LEAF)
    with pytest.raises(ValueError, match="32 bytes"):
        verify_receipt(receipt, PUBLIC[:31])
