"""The bundle as a zip, made while it is sent: nothing is held but some thousand entries."""

import io
import json
import re
import zipfile
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson

from lifecycle.audit import Change, Deed, Log, append_to_system
from lifecycle.callers import Caller
from lifecycle.canonical import parse_canonical
from lifecycle.database import Transaction
from lifecycle.errors import Conflict, Unreadable
from lifecycle.exporting.forms import FORMS
from lifecycle.exporting.scope import Kind, Scope, disclosures_of, entries_of, number_of
from lifecycle.exporting.sources import Source, source_of
from lifecycle.exporting.tables import cell
from lifecycle.redaction.register import is_unsealed
from lifecycle.seal.bundle.explaining import dictionary, readme
from lifecycle.seal.ends import PATH, ends_at, last_told, proof_of
from lifecycle.seal.heads import TreeHead, parse_head
from lifecycle.seal.keyring import STREAM as KEYS
from lifecycle.seal.merkle import SHA256
from lifecycle.seal.notes import NoteError, parse_note
from lifecycle.seal.paths import Hashes, stored
from lifecycle.seal.tiles import CHECKPOINT, COSIGNED, HANDOVERS
from lifecycle.signing import Receipt
from lifecycle.statements import Row
from states.findings import Text

FORMAT = "pilot-audit-bundle/1"
VIEWS = {f"entries.{form.suffix}": form for form in FORMS.values()}
TABLES = (
    "entries.csv",
    "entries.jsonl",
    "entries.xlsx",
)  # what the verifier reads: made where nothing else is asked for
XLSX_LIMIT = 100_000  # entries: beyond it the workbook takes longer than all the rest
STREAM = "audit"


@dataclass(frozen=True, slots=True)
class Order:
    """What is wanted: the whole log, a batch or a project; earlier sizes to prove consistency with; which tables."""

    kind: Kind = "log"
    name: str | None = None
    since: tuple[int, ...] = ()
    views: tuple[str, ...] | None = None  # None: the tables, the workbook up to `XLSX_LIMIT` entries
    disclosures: bool = False  # with the values behind the commitments


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle to be made: what it holds, as of which signed head. `folder` is where heads are published."""

    order: Order
    scope: Scope
    head: TreeHead
    folder: Path
    made_at: str
    heads: Row | None  # the newest heads entry

    @property
    def name(self) -> str:
        """Return a name for the file."""
        return f"audit-{self.source.about}-{self.head.size}.zip"

    @property
    def source(self) -> Source:
        """Return what its views are taken from."""
        return Source(self.scope, self.head, self.made_at)


def prepare(tx: Transaction, origin: str, folder: Path, caller: Caller, order: Order) -> Bundle:
    """Return the bundle that would be made now, as of the published head.

    Raises:
        Forbidden: bundles are the auditor's.
        NotFound: there is no such batch or project.
        Conflict: nothing is published yet, or the database is not that of the published head; or values are wanted
            of which some were redacted by an entry that this head does not cover yet.
        Unreadable: there is no table of that name.
    """
    source = source_of(tx, origin, folder, caller, order.kind, order.name)
    strange = set(order.views or ()) - set(VIEWS)
    if strange:
        raise Unreadable(Text(f"没有表格{min(strange)[:64]}", f"there is no table {min(strange)[:64]}"))
    _check_redactions(tx, order, source.head.size)
    return Bundle(order, source.scope, source.head, folder, source.made_at, last_told(tx, source.head.size))


def _check_redactions(tx: Transaction, order: Order, size: int) -> None:
    """Refuse values where some went by an entry that the head does not cover: they would seem to be merely missing."""
    if order.disclosures and is_unsealed(tx, size):
        raise Conflict(
            Text("刚有内容隐去、其记录尚未封存，请稍后再取", "something was redacted and its entry is not sealed yet")
        )


def record_bundle(tx: Transaction, log: Log, folder: Path, caller: Caller, order: Order) -> tuple[Bundle, Receipt]:
    """Return the bundle to be made, having put on record who takes it.

    Raises:
        Forbidden, NotFound, Conflict, Unreadable: as `prepare`.
    """
    bundle = prepare(tx, log.origin, folder, caller, order)
    about = bundle.scope.id or bundle.scope.kind
    changes = [
        Change("/bundle/kind", None, bundle.scope.kind),
        Change("/bundle/size", None, bundle.head.size),
        Change("/bundle/disclosures", None, order.disclosures),
    ]
    deed = Deed(STREAM, "audit.bundle_made", (bundle.scope.kind, about, None), changes=changes)
    return bundle, append_to_system(tx, log, caller, deed)


def make_bundle(tx: Transaction, bundle: Bundle) -> Iterator[bytes]:
    """Yield the zip, piece by piece; `tx` reads at one instant and stays open until the end.

    Raises:
        BrokenTree: rows of the tree are missing; the zip is then not finished and nobody takes it for whole.
    """
    sink = _Sink()
    stamp = tuple(map(int, re.findall("[0-9]+", bundle.made_at)[:6]))
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, pieces in members(tx, bundle):
            info = zipfile.ZipInfo(name, stamp)  # type: ignore[arg-type]
            info.compress_type = zipfile.ZIP_STORED if name.endswith(".xlsx") else zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            with archive.open(info, "w", force_zip64=True) as member:
                for piece in pieces:
                    member.write(piece)
                    yield from sink.take()
    yield from sink.take()


def members(tx: Transaction, bundle: Bundle) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Yield what is in the zip: names with their contents."""
    order, scope, size = bundle.order, bundle.scope, bundle.head.size
    _check_redactions(tx, order, size)  # again: this is another transaction than the one that put it on record
    views = _views(tx, bundle)
    yield "README.md", iter([readme(bundle.head, scope, bundle.made_at).encode()])
    yield "DICTIONARY.md", iter([dictionary().encode()])
    yield "verify_audit.py", iter([verifier()])
    yield "manifest.json", iter([_json(_manifest(bundle, views))])
    sizes = set(order.since)
    for name, note in _notes(bundle.folder):
        yield name, iter([note])
        sizes.add(_size_of(name, note))
    yield "keys.txt", _lines(tx, Scope("log", streams=(KEYS,)), size)
    yield "entries.txt", _lines(tx, scope, size)
    if scope.streams is not None:
        hashes = stored(tx, SHA256, size)
        yield "proofs.txt", _proofs(tx, scope, hashes)
        wanted = sorted(one for one in sizes if 0 < one < size)
        yield "consistency.json", iter([_json({str(one): _texts(hashes.consistency(one)) for one in wanted})])
        yield "heads.json", iter([_json(_end_proofs(tx, bundle))])
    if order.disclosures:
        yield "disclosures.jsonl", _disclosures(tx, scope, size)
    yield "documents.csv", _documents(tx, scope, size)
    for name in views:
        yield f"views/{name}", VIEWS[name].write(tx, bundle.source)


def verifier() -> bytes:
    """Return the verifier's source, exactly as it is shipped."""
    return files("lifecycle.seal.verifier").joinpath("verify_audit.py").read_bytes()


class _Sink(io.RawIOBase):
    """Takes what the zip is made of, and hands it out."""

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._at = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._held.append(bytes(data))
        self._at += len(data)
        return len(data)

    def take(self) -> Iterator[bytes]:
        held, self._held = b"".join(self._held), []
        if held:
            yield held


def _views(tx: Transaction, bundle: Bundle) -> Sequence[str]:
    if bundle.order.views is not None:
        return bundle.order.views
    number = number_of(tx, bundle.scope, bundle.head.size)
    return [name for name in TABLES if number <= XLSX_LIMIT or not name.endswith(".xlsx")]


def _manifest(bundle: Bundle, views: Sequence[str]) -> dict[str, Any]:
    heads = parse_canonical(bundle.heads["body"])["changes"][0]["new"]["size"] if bundle.heads else None
    return {
        "format": FORMAT,
        "origin": bundle.head.origin,
        "scope": {"kind": bundle.scope.kind, "id": bundle.scope.id, "code": bundle.scope.code},
        "size": bundle.head.size,
        "made_at": bundle.made_at,
        "heads_size": heads,
        "views": list(views),
        "disclosures": bundle.order.disclosures,
    }


def _notes(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the published heads: the last of each tree, those of handovers, those with witnesses' signatures."""
    yield CHECKPOINT, (folder / CHECKPOINT).read_bytes()
    for suite in ("", ".sm3"):
        place = folder / suite.removeprefix(".")
        if suite and (place / CHECKPOINT).exists():
            yield f"{CHECKPOINT}{suite}", (place / CHECKPOINT).read_bytes()
        for kind in (HANDOVERS, COSIGNED):
            found = sorted((place / kind).iterdir()) if (place / kind).is_dir() else []
            yield from ((f"{kind}{suite}/{path.name}", path.read_bytes()) for path in found if path.name[0] != ".")


def _size_of(name: str, note: bytes) -> int:
    if ".sm3" in name:
        return 0
    try:
        return parse_head(parse_note(note).text).size
    except NoteError:  # somebody else's file; the verifier says what it thinks of it
        return 0


def _lines(tx: Transaction, scope: Scope, size: int) -> Iterator[bytes]:
    for rows in entries_of(tx, scope, size):
        yield b"".join(
            b"%d\t%s\t%s\t%s\n" % (row["index"], row["key_id"].encode(), b64encode(row["signature"]), row["body"])
            for row in rows
        )


def _proofs(tx: Transaction, scope: Scope, hashes: Hashes) -> Iterator[bytes]:
    for rows in entries_of(tx, scope, hashes.size):
        yield b"".join(
            b"%d\t%s\n" % (row["index"], ",".join(_texts(hashes.inclusion(row["index"]))).encode()) for row in rows
        )


def _end_proofs(tx: Transaction, bundle: Bundle) -> dict[str, Any]:
    """Return, for each stream of the scope, its place and path in the tree of the newest heads entry."""
    if bundle.heads is None or bundle.scope.streams is None:
        return {}
    told = {change["path"]: change["new"] for change in parse_canonical(bundle.heads["body"])["changes"]}
    ends = ends_at(tx, told[PATH]["size"])
    proofs = {stream: proof_of(ends, stream) for stream in bundle.scope.streams}
    return {stream: [one.index, _texts(one.path)] for stream, one in proofs.items() if one}


def _disclosures(tx: Transaction, scope: Scope, size: int) -> Iterator[bytes]:
    for rows in entries_of(tx, scope, size):
        for one in disclosures_of(tx, rows):
            opened = {"entry": one["entry_id"], "path": one["path"], "salt": one["salt"].hex(), "value": one["value"]}
            yield orjson.dumps(opened) + b"\n"


def _documents(tx: Transaction, scope: Scope, size: int) -> Iterator[bytes]:
    names = ("id", "version", "sha256", "size")
    yield "封存序号 index,文件编号 id,版本 version,哈希 sha256,字节 size\r\n".encode()
    for rows in entries_of(tx, scope, size):
        for row in rows:
            for doc in parse_canonical(row["body"])["docs"] if b'"docs":[{' in row["body"] else ():
                cells = (str(row["index"]), *(cell(doc.get(name)) for name in names))
                yield f"{','.join(cells)}\r\n".encode()


def _texts(path: Sequence[bytes]) -> list[str]:
    return [b64encode(step).decode("ascii") for step in path]


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode()
