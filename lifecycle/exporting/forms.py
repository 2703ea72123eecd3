"""The forms in which the log is exported, and what is put on record of an export."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from lifecycle.audit import Change, Deed, Log, append_to_system
from lifecycle.business_days import ZONE
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.errors import Unreadable
from lifecycle.exporting.ocel import as_ocel
from lifecycle.exporting.scope import Kind
from lifecycle.exporting.sources import Source, source_of
from lifecycle.exporting.tables import as_csv, as_jsonl, as_xlsx
from lifecycle.exporting.xes import as_xes
from lifecycle.signing import Receipt
from states.findings import Text

STREAM = "audit"


class Form(NamedTuple):
    """A form: the end of its files' names, its media type, and what writes it, piece by piece."""

    suffix: str
    media_type: str
    write: Callable[[Transaction, Source], Iterator[bytes]]


FORMS = {
    "csv": Form("csv", "text/csv; charset=utf-8", as_csv),
    "jsonl": Form("jsonl", "application/x-ndjson", as_jsonl),
    "xlsx": Form("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", as_xlsx),
    "xes": Form("xes", "application/xml", as_xes),
    "ocel": Form("ocel.json", "application/json", as_ocel),
}


class Export(NamedTuple):
    """An export to be made: its form, and the entries it is taken from."""

    form: Form
    source: Source

    @property
    def name(self) -> str:
        """Return a name for the file."""
        return f"audit-{self.source.about}-{self.source.head.size}.{self.form.suffix}"

    def pieces(self, tx: Transaction) -> Iterator[bytes]:
        """Yield the file, piece by piece; `tx` reads at one instant and stays open until the end."""
        return self.form.write(tx, self.source)


def record_export(
    tx: Transaction,
    log: Log,
    folder: Path,
    caller: Caller,
    name: str,
    kind: Kind = "log",
    about: str | None = None,
    first_on: date | None = None,
    last_on: date | None = None,
) -> tuple[Export, Receipt]:
    """Return the export to be made, having put on record who takes what.

    Keys and heads go with a batch or a project in bundles, to be verified; an export leaves them out. Days are
    business days: what was done on `first_on` or later, on `last_on` or earlier.

    Raises:
        Forbidden, NotFound, Conflict: as `source_of`.
        Unreadable: there is no form of that name, or the days end before they begin.
        OverflowError: a day beyond the calendar.
    """
    since = _begin(first_on) if first_on else None
    until = _begin(last_on + timedelta(days=1)) if last_on else None
    source = source_of(tx, log.origin, folder, caller, kind, about, since, until)
    form = FORMS.get(name)
    if form is None:
        raise Unreadable(Text(f"没有格式{name[:64]}", f"there is no form {name[:64]}"))
    if since and until and since >= until:
        raise Unreadable(Text("起始日期晚于截止日期", "the days end before they begin"))
    scope = source.scope.alone()
    days = {"from": first_on, "to": last_on}
    changes = [
        Change("/export/form", None, name),
        Change("/export/kind", None, scope.kind),
        Change("/export/size", None, source.head.size),
        *(Change(f"/export/{side}", None, day.isoformat()) for side, day in days.items() if day),
    ]
    deed = Deed(STREAM, "audit.exported", (scope.kind, scope.id or scope.kind, None), changes=changes)
    receipt = append_to_system(tx, log, caller, deed)
    return Export(form, replace(source, scope=scope)), receipt


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(ZONE)).astimezone(UTC)
