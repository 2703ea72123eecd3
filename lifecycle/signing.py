"""Signing: the writer key, the file that keeps it, and the receipts that it signs."""

import hashlib
import os
import secrets
import stat
from base64 import b64encode
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from states.values import frozen

KEY_DOMAIN = b"pilot-audit/writer/v1\n"
RECEIPT_DOMAIN = "pilot-audit/receipt/v1"
KEY_FILE_MODE = 0o600
KEY_DIRECTORY_MODE = 0o700
RAW_KEY_SIZE = 32
LEAF_SIZE = 32


class KeyFileError(Exception):
    """A key file cannot be trusted or read; the message says what to do."""


class Signer(Protocol):
    """Whoever can sign for the writer: a key file today, a hardware module later."""

    @property
    def key_id(self) -> str:
        """The first 8 bytes, in hex, of the hash that names the key."""

    @property
    def public_key(self) -> bytes:
        """The raw Ed25519 public key, 32 bytes."""

    def sign(self, message: bytes) -> bytes:
        """Return the 64 bytes of the Ed25519 signature."""


@dataclass(frozen=True, slots=True)
class FileSigner:
    """A signer whose private key was read from a file."""

    key_id: str
    public_key: bytes
    private_key: Ed25519PrivateKey = field(repr=False, compare=False)

    def sign(self, message: bytes) -> bytes:
        """Return the 64 bytes of the Ed25519 signature."""
        return self.private_key.sign(message)


@frozen
class Receipt:
    """The writer's promise that an entry stands in its stream at this place, and will be sealed."""

    origin: str
    stream: str
    seq: int
    leaf: bytes
    signature: bytes
    key_id: str

    def to_dict(self) -> dict[str, str | int]:
        """Return it as JSON values, bytes in base64."""
        return {
            "origin": self.origin,
            "stream": self.stream,
            "seq": self.seq,
            "leaf": b64encode(self.leaf).decode("ascii"),
            "signature": b64encode(self.signature).decode("ascii"),
            "key_id": self.key_id,
        }


def load_signer(path: Path) -> FileSigner:
    """Read an Ed25519 private key, PEM (PKCS 8, no password) or its raw 32 bytes, from a file of mode 0600.

    Raises:
        FileNotFoundError: there is no such file.
        KeyFileError: others may read it, or it holds no such key.
    """
    with path.open("rb") as file:
        # Of the open file, not of the name: the name could point elsewhere by the time it is read.
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode != KEY_FILE_MODE:
            raise KeyFileError(
                f"{path} has mode {mode:04o} and must have 0600: if nobody else has read it, run "
                f"`chmod 600 {path}`, otherwise replace the key"
            )
        private_key = _private_key(file.read(), path)
    public_key = private_key.public_key().public_bytes_raw()
    return FileSigner(key_id(public_key), public_key, private_key)


def create_key_file(path: Path) -> None:
    """Write a new Ed25519 key as PEM with mode 0600, and return once it is on the disk.

    Missing directories get mode 0700; those that exist are left as they are. The file appears under its
    name whole or not at all: it is written under another name and then linked, so that whoever loses a race
    reads the winner's key and never half of it.

    Raises:
        FileExistsError: the file is there already; it is never overwritten.
    """
    _create_directories(path.parent)
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, KEY_FILE_MODE), "wb") as file:
            os.fchmod(file.fileno(), KEY_FILE_MODE)  # an odd umask would have taken bits away
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        # link() refuses an existing name, where rename() would replace it.
        os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
        # The loser too: the winner may not have come this far, and what is signed must outlive a power cut.
        _sync_directory(path.parent)


def load_or_create_signer(path: Path) -> FileSigner:
    """Read the key file, creating it first when there is none; of several that race, all get the one key.

    Raises:
        KeyFileError: as `load_signer`.
    """
    try:
        return load_signer(path)
    except FileNotFoundError:
        pass
    with suppress(FileExistsError):  # another process was first, and its key is the key
        create_key_file(path)
    return load_signer(path)


def key_id(public_key: bytes) -> str:
    """Name a public key: the first 8 bytes of a domain-separated SHA-256, in hex."""
    return hashlib.sha256(KEY_DOMAIN + public_key).digest()[:8].hex()


def public_key_text(signer: Signer) -> str:
    """Return the public key in base64, as auditors write it into their policy."""
    return b64encode(signer.public_key).decode("ascii")


def receipt_message(origin: str, stream: str, seq: int, leaf: bytes) -> bytes:
    """Return the bytes that a receipt signs.

    Raises:
        ValueError: origin or stream is not exactly one line, `seq` is negative, or the leaf is no hash.
    """
    for name, line in (("origin", origin), ("stream", stream)):
        # Every line end that any reader may know: two different receipts must never give the same lines.
        if line.splitlines() != [line]:
            raise ValueError(f"{name} must be one line without line breaks, and not empty")
    if seq < 0:
        raise ValueError(f"seq cannot be negative, and this one is {seq}")
    if len(leaf) != LEAF_SIZE:
        raise ValueError(f"a leaf hash is {LEAF_SIZE} bytes, and this one is {len(leaf)}")
    return f"{RECEIPT_DOMAIN}\n{origin}\n{stream}\n{seq}\n{b64encode(leaf).decode('ascii')}\n".encode()


def sign_receipt(signer: Signer, origin: str, stream: str, seq: int, leaf: bytes) -> Receipt:
    """Sign the promise that `leaf` is entry `seq` of `stream`.

    Raises:
        ValueError: as `receipt_message`.
    """
    signature = signer.sign(receipt_message(origin, stream, seq, leaf))
    return Receipt(origin, stream, seq, leaf, signature, signer.key_id)


def verify_receipt(receipt: Receipt, public_key: bytes) -> bool:
    """Say whether the receipt was signed with this key, and says so itself.

    Raises:
        ValueError: `public_key` is no Ed25519 public key, which is a mistake in the policy and not a forgery.
    """
    verifier = Ed25519PublicKey.from_public_bytes(public_key)
    # The key id is not among the signed lines, so it is compared here.
    if receipt.key_id != key_id(public_key):
        return False
    try:
        message = receipt_message(receipt.origin, receipt.stream, receipt.seq, receipt.leaf)
        verifier.verify(receipt.signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _private_key(content: bytes, path: Path) -> Ed25519PrivateKey:
    if len(content) == RAW_KEY_SIZE:
        return Ed25519PrivateKey.from_private_bytes(content)
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        # Unchained from the message on purpose: parsers quote what they read, and this is a secret.
        raise KeyFileError(
            f"{path} holds neither an unencrypted PEM private key nor 32 raw bytes ({type(error).__name__})"
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(f"{path} holds another kind of key; an Ed25519 private key is needed")
    return key


def _create_directories(directory: Path) -> None:
    # mkdir(parents=True) gives its mode to the last directory only.
    missing = [folder for folder in (directory, *directory.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=KEY_DIRECTORY_MODE, exist_ok=True)
        _sync_directory(folder.parent)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
