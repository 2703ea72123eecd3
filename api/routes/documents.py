"""Documents of projects and batches: brought in, listed, handed out as downloads."""

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Annotated, Any, BinaryIO

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from api.dependencies import Here, Key, Visit, project_id
from api.openapi import WRITES, answers, bodies, operation
from api.problems import CREATED, OK, PARTIAL
from api.replies import disposition, page, reply
from api.requests import StrictRoute
from api.shapes.documents import Document, Stored
from api.shapes.parts import Listed
from api.uploads import FORM, RAW, BatchUpload, DocketUpload, Incoming, ProjectUpload
from lifecycle.documents.keeping import announce, store_document
from lifecycle.documents.reading import download_name, find_document, list_documents
from lifecycle.files.formats import MEDIA_TYPES

router = APIRouter(prefix="/api/v1", tags=["documents"], route_class=StrictRoute)
REFUSED = ("forbidden", "not-found", "file-refused", "file-unavailable", *WRITES)
PIECE = 256 * 1024
RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
SANDBOX = "sandbox; default-src 'none'; frame-ancestors 'none'"
OfKind = Annotated[str | None, Query(max_length=64, description="只列此种类 / of this kind only")]
Versions = Annotated[bool, Query(description="列出全部版本 / all versions, not the newest alone")]
OfVersion = Annotated[
    int | None, Query(ge=1, le=10**6, description="版本；默认最新 / the version; the newest by default")
]


@router.post(
    "/projects/{project}/documents",
    status_code=CREATED,
    openapi_extra=bodies((RAW, FORM)),
    **operation("storeDocument", "上传项目材料", "Bring in a document of a project", *REFUSED, model=Stored),
)
def store(here: Here, upload: ProjectUpload, key: Key = None) -> Response:
    """Keep a file as a document of the project; its content says what it is. The answer holds what acts refer to."""
    return _store(here, upload, key)


@router.get(
    "/projects/{project}/documents",
    **operation("listDocuments", "项目材料列表", "Documents of a project", "not-found", model=Listed[Document]),
)
def list_all(here: Here, request: Request, project: str, kind: OfKind = None, versions: Versions = False) -> Response:
    """Return the project's documents by kind, the newest version of each."""
    return _list(here, request, ("project", project_id(project)), kind, versions)


@router.get(
    "/projects/{project}/documents/{document}/content",
    **operation(
        "readDocument",
        "下载项目材料",
        "Download a document of a project",
        *("not-found", "file-unavailable"),
        responses=answers(RAW, text=False),
    ),
)
def read(here: Here, request: Request, project: str, document: str, version: OfVersion = None) -> Response:
    """Return a document's content, checked against its hash: always as a download, never to be shown in place."""
    return _content(here, request, ("project", project_id(project)), document, version)


@router.post(
    "/batches/{batch}/documents",
    status_code=CREATED,
    openapi_extra=bodies((RAW, FORM)),
    **operation("storeBatchDocument", "上传批次材料", "Bring in a document of a batch", *REFUSED, model=Stored),
)
def store_of_batch(here: Here, upload: BatchUpload, key: Key = None) -> Response:
    """Keep a file as a document of the batch, for acts on many of its projects; a city's is for its own projects."""
    return _store(here, upload, key)


@router.get(
    "/batches/{batch}/documents",
    **operation(
        "listBatchDocuments",
        "批次材料列表",
        "Documents of a batch",
        *("forbidden", "not-found"),
        model=Listed[Document],
    ),
)
def list_of_batch(
    here: Here, request: Request, batch: str, kind: OfKind = None, versions: Versions = False
) -> Response:
    """Return the batch's documents by kind, the newest version of each; a city sees its own."""
    return _list(here, request, ("batch", batch), kind, versions)


@router.get(
    "/batches/{batch}/documents/{document}/content",
    **operation(
        "readBatchDocument",
        "下载批次材料",
        "Download a document of a batch",
        *("forbidden", "not-found", "file-unavailable"),
        responses=answers(RAW, text=False),
    ),
)
def read_of_batch(here: Here, request: Request, batch: str, document: str, version: OfVersion = None) -> Response:
    """Return a document's content as a download."""
    return _content(here, request, ("batch", batch), document, version)


@router.post(
    "/dockets/{docket}/documents",
    status_code=CREATED,
    openapi_extra=bodies((RAW, FORM)),
    **operation("storeDocketDocument", "上传清单材料", "Bring in a document of a docket", *REFUSED, model=Stored),
)
def store_of_docket(here: Here, upload: DocketUpload, key: Key = None) -> Response:
    """Keep a file as a document of the docket; the docket and its projects' acts may refer to it."""
    return _store(here, upload, key)


@router.get(
    "/dockets/{docket}/documents",
    **operation("listDocketDocuments", "清单材料列表", "Documents of a docket", "not-found", model=Listed[Document]),
)
def list_of_docket(
    here: Here, request: Request, docket: str, kind: OfKind = None, versions: Versions = False
) -> Response:
    """Return the docket's documents by kind, the newest version of each."""
    return _list(here, request, ("docket", docket.lower()), kind, versions)


@router.get(
    "/dockets/{docket}/documents/{document}/content",
    **operation(
        "readDocketDocument",
        "下载清单材料",
        "Download a document of a docket",
        *("not-found", "file-unavailable"),
        responses=answers(RAW, text=False),
    ),
)
def read_of_docket(here: Here, request: Request, docket: str, document: str, version: OfVersion = None) -> Response:
    """Return a document's content as a download."""
    return _content(here, request, ("docket", docket.lower()), document, version)


def _store(here: Visit, upload: Incoming, key: str | None) -> Response:
    """Recognise the file and register its content, keep it, then register the document: in this order."""
    ask, draft = upload.asked, upload.draft
    asked: dict[str, Any] = {
        "store_document": list(ask.subject),
        "kind": ask.kind,
        "name": ask.name,
        "replaces": ask.replaces,
        "sha256": draft.sha256,
    }
    with here.acting(ask.subject, "store_document", key, asked) as tx:
        announce(tx, here.caller, here.service.settings, ask, draft)
    here.service.files.keep(draft)
    with here.acting(ask.subject, "store_document", key, asked) as tx:
        answer, replayed = here.once(
            tx, key, asked, lambda: store_document(tx, here.service.log, here.caller, ask, draft.sha256).to_dict()
        )
    return reply(answer, status=CREATED, replayed=replayed)


def _list(here: Visit, request: Request, subject: tuple[str, str], kind: str | None, versions: bool) -> Response:
    with here.reading() as tx:
        found = list_documents(tx, here.caller, subject, kind, versions=versions)
    return page(request, found, None, "after")


def _content(here: Visit, request: Request, subject: tuple[str, str], document: str, version: int | None) -> Response:
    with here.reading() as tx:
        found = find_document(tx, here.caller, subject, document.lower(), version)
    return hand_out(here, request, found)


def hand_out(here: Visit, request: Request, found: Mapping[str, Any]) -> Response:
    """Return a document's content, or the part of it that is asked for: as a download, in a sandbox."""
    etag, size = f'"{found["sha256"]}"', found["size"]
    first, end = part_asked(request, etag, size) or (0, size)
    held = ExitStack()
    file = held.enter_context(here.service.files.fetch(found["sha256"], found["size"]))
    headers = {
        "Content-Length": str(end - first),
        "Accept-Ranges": "bytes",
        "Content-Disposition": disposition(download_name(found)),
        "Content-Security-Policy": SANDBOX,
        "ETag": etag,
        "Repr-Digest": f"sha-256=:{b64encode(bytes.fromhex(found['sha256'])).decode()}:",
    }
    whole = (first, end) == (0, size)
    if not whole:
        headers["Content-Range"] = f"bytes {first}-{end - 1}/{size}"
    file.seek(first)
    pieces = _pieces(held, file, end - first)
    return StreamingResponse(pieces, OK if whole else PARTIAL, headers, MEDIA_TYPES[found["format"]])


def part_asked(request: Request, etag: str, size: int) -> tuple[int, int] | None:
    """Return the one range of bytes that a request asks for, first and end; None: all of it (RFC 9110, 14.2).

    Several ranges, one that cannot be, or one of another content get the whole.
    """
    found = RANGE.fullmatch(request.headers.get("range", ""))
    if found is None or request.headers.get("if-range", etag) != etag:
        return None
    begin, last = found.groups()
    if not begin:
        first, end = max(0, size - int(last or 0)), size
    else:
        first, end = int(begin), min(size, int(last) + 1 if last else size)
    return (first, end) if first < end else None


def _pieces(held: ExitStack, file: BinaryIO, size: int) -> Iterator[bytes]:
    with held:
        while size and (data := file.read(min(PIECE, size))):
            size -= len(data)
            yield data
