"""Files on their way in over HTTP: a raw body or the one file of a form, streamed to the disk of this machine."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, Query
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request

from api.dependencies import Here, Visit, project_id
from api.problems import EdgeProblem
from lifecycle.documents.keeping import Asked, admit
from lifecycle.files.drafts import Draft, receiving
from states.findings import Text

RAW = "application/octet-stream"
FORM = "multipart/form-data"
PIECE = 1024 * 1024
Kind = Annotated[str, Query(max_length=64, description="材料种类 / the kind of document, a code of the lifecycle")]
Name = Annotated[
    str | None, Query(max_length=400, description="文件名；表单上传时可省略 / the file's name; a form brings its own")
]
Replaces = Annotated[
    str | None, Query(max_length=64, description="所替换的材料标识 / the document of which this is a new version")
]


class Incoming:
    """A received file with what was asked for it."""

    def __init__(self, asked: Asked, draft: Draft) -> None:
        """Take both."""
        self.asked = asked
        self.draft = draft


async def of_project(
    request: Request, here: Here, project: str, kind: Kind, name: Name = None, replaces: Replaces = None
) -> AsyncIterator[Incoming]:
    """Receive a document of a project; what is not kept is gone after the answer.

    Raises:
        EdgeProblem, Refusal: as `_incoming`.
    """
    async with _incoming(request, here, ("project", project_id(project)), kind, name, replaces) as upload:
        yield upload


async def of_batch(
    request: Request, here: Here, batch: str, kind: Kind, name: Name = None, replaces: Replaces = None
) -> AsyncIterator[Incoming]:
    """Receive a document of a batch; what is not kept is gone after the answer.

    Raises:
        EdgeProblem, Refusal: as `_incoming`.
    """
    async with _incoming(request, here, ("batch", batch), kind, name, replaces) as upload:
        yield upload


async def of_docket(
    request: Request, here: Here, docket: str, kind: Kind, name: Name = None, replaces: Replaces = None
) -> AsyncIterator[Incoming]:
    """Receive a document of a docket; what is not kept is gone after the answer.

    Raises:
        EdgeProblem, Refusal: as `_incoming`.
    """
    async with _incoming(request, here, ("docket", docket.lower()), kind, name, replaces) as upload:
        yield upload


@asynccontextmanager
async def _incoming(
    request: Request, here: Visit, subject: tuple[str, str], kind: str, name: str | None, replaces: str | None
) -> AsyncIterator[Incoming]:
    """Receive the file, once it is clear that the caller may bring it.

    Raises:
        EdgeProblem: neither a raw body nor a form with one file, or without a name.
        Refusal: as `admit`, and where the file is too large.
    """
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent not in (RAW, FORM):
        raise EdgeProblem(
            "unsupported-media-type",
            Text(
                "请以application/octet-stream上传文件，或用表单字段file上传",
                "send the file raw, or under `file` in a form",
            ),
            accepted=[RAW, FORM],
        )
    asked = Asked(subject, kind, name or "file", replaces)
    limit = await run_in_threadpool(_admit, here, asked)
    with receiving(here.service.files.incoming, limit) as draft:
        if sent == RAW:
            await _raw(request, draft)
        else:
            name = await _form(request, draft, name)
        if not name:
            raise EdgeProblem("unreadable", Text("请用参数name写明文件名", "name the file by the parameter `name`"))
        yield Incoming(Asked(subject, kind, name, replaces), draft)


def _admit(here: Visit, asked: Asked) -> int:
    with here.acting(asked.subject, "store_document") as tx:
        return admit(tx, here.caller, here.service.settings, asked)


async def _raw(request: Request, draft: Draft) -> None:
    waiting: list[bytes] = []
    async for data in request.stream():
        waiting.append(data)
        if sum(map(len, waiting)) >= PIECE:
            await run_in_threadpool(draft.take, waiting)
            waiting = []
    await run_in_threadpool(draft.take, waiting)


async def _form(request: Request, draft: Draft, name: str | None) -> str | None:
    async with request.form(max_files=1, max_fields=4) as form:
        found = form.get("file")
        if not isinstance(found, UploadFile):
            raise EdgeProblem("unreadable", Text("表单中没有文件字段file", "the form has no file under `file`"))
        while data := await found.read(PIECE):
            await run_in_threadpool(draft.write, data)
        return name or found.filename


ProjectUpload = Annotated[Incoming, Depends(of_project, scope="function")]
DocketUpload = Annotated[Incoming, Depends(of_docket, scope="function")]
BatchUpload = Annotated[Incoming, Depends(of_batch, scope="function")]
