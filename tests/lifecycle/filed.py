"""Files for tests, lawful and hostile, and documents brought in as an edge brings them."""

import io
import zipfile
import zlib
from collections.abc import Iterable
from typing import Any

import docx
import openpyxl

from lifecycle.attempts import attempt
from lifecycle.audit import Log
from lifecycle.callers import Caller
from lifecycle.database import Database
from lifecycle.documents.keeping import Asked, admit, announce, store_document
from lifecycle.files.drafts import receiving
from lifecycle.files.store import FileStore
from lifecycle.settings import Settings

PDF = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n"
JPG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + bytes(20) + b"\xff\xd9"


def png() -> bytes:
    """Return the smallest honest picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)

    header = (1).to_bytes(4) + (1).to_bytes(4) + bytes([8, 0, 0, 0, 0])
    parts = (b"IHDR", header), (b"IDAT", zlib.compress(b"\x00\x00")), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def word(text: str = "申报书") -> bytes:
    """Return a Word document."""
    document, out = docx.Document(), io.BytesIO()
    document.add_paragraph(text)
    document.save(out)
    return out.getvalue()


def excel() -> bytes:
    """Return an Excel workbook."""
    out = io.BytesIO()
    openpyxl.Workbook().save(out)
    return out.getvalue()


def archive(members: Iterable[tuple[str, bytes]], comment: bytes = b"") -> bytes:
    """Return a zip archive of these members."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        made.comment = comment
        for name, data in members:
            made.writestr(name, data)
    return out.getvalue()


def repacked(data: bytes, **more: bytes) -> bytes:
    """Return an archive with further members, their names' `__` read as `/`."""
    with zipfile.ZipFile(io.BytesIO(data)) as given:
        members = [(name, given.read(name)) for name in given.namelist()]
    return archive([*members, *((name.replace("__", "/"), value) for name, value in more.items())])


def bring(
    database: Database,
    log: Log,
    store: FileStore,
    settings: Settings,
    caller: Caller,
    asked: Asked,
    content: bytes | Iterable[bytes] = PDF,
) -> dict[str, Any]:
    """Bring a document in, as an edge does: admitted, received, recognised, kept, registered."""
    with attempt(database, log, caller, asked.subject, "store_document") as tx:
        limit = admit(tx, caller, settings, asked)
    with receiving(store.incoming, limit) as draft:
        draft.take([content] if isinstance(content, bytes) else content)
        with attempt(database, log, caller, asked.subject, "store_document") as tx:
            announce(tx, caller, settings, asked, draft)
        store.keep(draft)
        with attempt(database, log, caller, asked.subject, "store_document") as tx:
            return store_document(tx, log, caller, asked, draft.sha256).to_dict()
