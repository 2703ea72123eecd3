"""Files: told by their content and not by their name, kept whole or not at all, given back only as they were given."""

import hashlib
import io
import os
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import olefile
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msoffcrypto.format.ooxml import OOXMLFile

from lifecycle.errors import FileRefused, FileTooLarge, FileUnavailable
from lifecycle.files.drafts import receiving
from lifecycle.files.formats import recognise
from lifecycle.files.store import FileStore, open_store
from lifecycle.settings import Settings
from tests.lifecycle.filed import JPG, PDF, archive, excel, png, repacked, word

OFD = archive([("OFD.xml", b"<ofd/>"), ("Doc_0/Document.xml", b"<d/>")])
DOCUMENT_TYPES = b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (PDF, "pdf"),
        (JPG, "jpg"),
        (png(), "png"),
        (word(), "docx"),
        (excel(), "xlsx"),
        (OFD, "ofd"),
        (archive([("发票/一.pdf", PDF)]), "zip"),
    ],
)
def test_a_file_is_recognised_by_its_content(content: bytes, found: str) -> None:
    assert recognise(io.BytesIO(content)) == found


def test_the_order_of_a_packages_members_does_not_matter() -> None:
    with zipfile.ZipFile(io.BytesIO(word())) as given_one:
        members = [(name, given_one.read(name)) for name in sorted(given_one.namelist(), reverse=True)]
    assert recognise(io.BytesIO(archive(members))) == "docx"


def _locked() -> bytes:
    """A plain archive whose directory and member say that it is encrypted."""
    made = bytearray(archive([("a.pdf", PDF)]))
    made[made.index(b"PK\x03\x04") + 6] |= 1
    made[made.index(b"PK\x01\x02") + 8] |= 1
    return bytes(made)


def _locked_by_office() -> bytes:
    out = io.BytesIO()
    OOXMLFile(io.BytesIO(excel())).encrypt("secret", out)
    return out.getvalue()


def _two_members_of_one_name() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made, pytest.warns(UserWarning):
        made.writestr("a.pdf", PDF)
        made.writestr("a.pdf", b"another")
    return out.getvalue()


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing": (lambda: b"", "empty"),
    "a web page": (lambda: b"<!doctype html><script>alert(1)</script>", "unknown"),
    "a drawing with a script": (lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>', "unknown"),
    "a program": (lambda: b"MZ" + bytes(100), "unknown"),
    "plain text": ("申报书".encode, "unknown"),
    "a page that says PDF later": (lambda: b"<html>%PDF-1.4 %%EOF", "unknown"),
    "a PDF that is a page too": (lambda: PDF[:9] + b"<html><script>" + PDF[9:], "ambiguous"),
    "a PDF with an archive behind": (lambda: PDF + archive([("a.exe", b"MZ")]) + b"%%EOF", "ambiguous"),
    "half a PDF": (lambda: PDF[:-7], "damaged"),
    "a picture with an archive behind": (lambda: JPG + archive([("a.jar", b"x")]), "ambiguous"),
    "a picture with more behind its end": (lambda: png() + b"<script>", "ambiguous"),
    "half a picture": (lambda: png()[:-6], "damaged"),
    "an archive behind a picture's head": (lambda: b"PK\x03\x04" + png() + archive([("a", b"b")]), "ambiguous"),
    "an archive with something behind": (lambda: archive([("a.pdf", PDF)]) + b"<html>", "ambiguous"),
    "an archive with a comment": (lambda: archive([("a.pdf", PDF)], b"<script>"), "ambiguous"),
    "two members of one name": (_two_members_of_one_name, "ambiguous"),
    "half an archive": (lambda: archive([("a.pdf", PDF)])[:-30], "damaged"),
    "a locked archive": (_locked, "locked"),
    "a workbook with a password": (_locked_by_office, "locked"),
    "an archive with a program": (lambda: archive([("收据/看.exe", b"MZ")]), "macros"),
    "an archive with a page": (lambda: archive([("index.html", b"<html>")]), "macros"),
    "a bomb": (lambda: archive([("zeros.bin", bytes(4 * 1024 * 1024))]), "explodes"),
    "a bomb in many parts": (lambda: archive([(f"{n}", bytes(900_000)) for n in range(20)]), "explodes"),
    "far too many members": (lambda: archive([(f"{n}", b"") for n in range(10_001)]), "explodes"),
    "a path that climbs": (lambda: archive([("../../etc/passwd", b"x")]), "paths"),
    "a path from the root": (lambda: archive([("/etc/passwd", b"x")]), "paths"),
    "Word with macros": (lambda: repacked(word(), **{"word__vbaProject.bin": b"x"}), "macros"),
    "Word that says macros": (
        lambda: archive([("[Content_Types].xml", b'"application/vnd.ms-word.document.macroEnabled.main+xml"')]),
        "macros",
    ),
    "Word in name only": (lambda: archive([("[Content_Types].xml", b'"' + DOCUMENT_TYPES + b'"')]), "damaged"),
    "a package of no kind": (lambda: archive([("[Content_Types].xml", b"<Types/>"), ("word/x", b"")]), "unknown"),
    "a compound file of rubbish": (lambda: olefile.MAGIC + bytes(2000), "damaged"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_and_the_reason_told(name: str) -> None:
    make, why = HOSTILE[name]
    with pytest.raises(FileRefused) as refused:
        recognise(io.BytesIO(make()))
    assert refused.value.details["why"] == why


@given(
    st.binary(max_size=400), st.sampled_from([b"", b"%PDF-", b"PK\x03\x04", b"\xff\xd8\xff", olefile.MAGIC, PDF[:50]])
)
def test_whatever_the_bytes_a_file_is_recognised_or_refused(tail: bytes, head: bytes) -> None:
    try:
        found = recognise(io.BytesIO(head + tail))
    except FileRefused as refused:
        found = refused.details["why"]
    assert found in {"pdf", "jpg", "empty", "unknown", "damaged", "ambiguous", "macros", "explodes", "locked", "paths"}


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> FileStore:
    """A store in a local folder, and one in another filesystem of fsspec's."""
    url = f"memory://{uuid4()}/files" if request.param == "memory" else None
    return open_store(Settings(data_dir=tmp_path, files_url=url))


def keep(store: FileStore, content: bytes) -> str:
    with receiving(store.incoming, 10**9) as draft:
        draft.write(content)
        store.keep(draft)
        return draft.sha256


def test_a_file_is_kept_once_under_its_hash_and_nothing_else_is_left(store: FileStore) -> None:
    first, again, other = keep(store, PDF), keep(store, PDF), keep(store, JPG)
    assert first == again == hashlib.sha256(PDF).hexdigest()
    assert sorted(held.name for held in store.held()) == sorted([first, other])
    assert list(store.incoming.iterdir()) == []
    with store.fetch(first, len(PDF)) as content:
        assert content.read() == PDF


def test_a_file_that_changed_or_vanished_is_not_given_back(store: FileStore) -> None:
    name = keep(store, PDF)
    with store.filesystem.open(store.place_of(name), "wb") as file:
        file.write(PDF.replace(b"Catalog", b"Catalop"))
    with pytest.raises(FileUnavailable), store.fetch(name, len(PDF)):
        pass
    store.remove(store.place_of(name))
    store.remove(store.place_of(name))
    with pytest.raises(FileUnavailable), store.fetch(name, len(PDF)):
        pass
    assert store.held() == []


def test_a_crash_while_a_file_comes_in_leaves_no_file_under_its_name(store: FileStore) -> None:
    with pytest.raises(KeyboardInterrupt), receiving(store.incoming, 100) as draft:
        draft.write(PDF[:20])
        raise KeyboardInterrupt
    assert (store.held(), list(store.incoming.iterdir())) == ([], [])


KEEPING = """
import os, sys
from pathlib import Path
from lifecycle.files.drafts import receiving
from lifecycle.files.store import open_store
from lifecycle.settings import Settings
store = open_store(Settings(data_dir=Path(sys.argv[1])))
while True:
    with receiving(store.incoming, 10**9) as draft:
        draft.write(os.urandom(300_000))
        store.keep(draft)
"""


def test_a_process_killed_at_any_moment_leaves_only_whole_files_under_their_names(tmp_path: Path) -> None:
    store = open_store(Settings(data_dir=tmp_path))
    for number in range(3):
        child = subprocess.Popen([sys.executable, "-c", KEEPING, str(tmp_path)])
        while len(store.held()) < 5 * (number + 1):
            assert child.poll() is None
        child.kill()
        child.wait()
    named = [held for held in store.held() if "/incoming/" not in held.path]
    assert len(named) >= 12
    for held in named:
        assert hashlib.sha256(Path(held.path).read_bytes()).hexdigest() == held.name


def test_a_store_of_a_kind_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(FileUnavailable, match="package"):
        open_store(Settings(data_dir=tmp_path, files_url="no-such-kind://bucket/folder"))


def test_a_file_is_refused_as_soon_as_it_passes_its_limit(store: FileStore) -> None:
    sent = []

    def endless() -> object:
        while True:
            sent.append(1)
            yield bytes(100)

    with pytest.raises(FileTooLarge), receiving(store.incoming, 1000) as draft:
        draft.take(endless())  # type: ignore[arg-type]
    assert (len(sent), list(store.incoming.iterdir())) == (11, [])


def test_a_large_file_passes_in_little_memory(tmp_path: Path) -> None:
    store = open_store(Settings(data_dir=tmp_path))
    piece = os.urandom(1024 * 1024)
    tracemalloc.start()
    with receiving(store.incoming, 10**9) as draft:
        draft.take(piece for _ in range(40))
        store.keep(draft)
    with store.fetch(draft.sha256, draft.size) as content:
        read = sum(len(data) for data in iter(lambda: content.read(1024 * 1024), b""))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert read == 40 * 1024 * 1024
    assert peak < 8 * 1024 * 1024
