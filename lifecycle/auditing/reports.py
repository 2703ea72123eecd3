"""The auditor's working set: reports over the log, each line of which leads back to its entries.

All are read stretch by stretch like the log itself, as of a size of the tree; memory is that of one stretch's page.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lifecycle.auditing import counts, marks, stays
from lifecycle.auditing.entries import Listed
from lifecycle.auditing.marks import MARKS
from lifecycle.auditing.reach import require_audit
from lifecycle.auditing.scanning import Filters, size_as_asked
from lifecycle.callers import Caller
from lifecycle.database import Transaction
from lifecycle.errors import NotFound
from lifecycle.pages import check_limit
from states.findings import Text

Run = Callable[[Transaction, Caller, Filters, int, int, int], Listed]


@dataclass(frozen=True, slots=True)
class Report:
    """A report: its name, what it is called, what a line of it tells, and how a stretch of it is read."""

    name: str
    title: Text
    told: Text
    run: Run

    def to_dict(self) -> dict[str, Any]:
        """Return what it is as JSON values."""
        return {"name": self.name, "title": self.title._asdict(), "told": self.told._asdict()}


REPORTS: dict[str, Report] = {
    one.name: one
    for one in (
        Report(
            "counts",
            Text("记录分类统计", "entries counted"),
            Text("一行为一类记录的一种结果", "a line is a kind of entry with an outcome"),
            counts.counted,
        ),
        *(Report(mark.name, mark.title, mark.told, marks.marked(mark)) for mark in MARKS),
        Report(
            "deadlines",
            Text("各状态用时与期限", "time in each state against its deadlines"),
            Text(
                "一行为一个项目在一个状态的停留，及其间了结或未了的期限：按期、逾期天数、未到期、超期未办",
                "a line is a stay of a project in a state, with the deadlines that ended in it or are open",
            ),
            stays.stays,
        ),
    )
}


def run_report(
    tx: Transaction,
    caller: Caller,
    name: str,
    *,
    since: datetime | None = None,
    before: datetime | None = None,
    batch: str | None = None,
    size: int | None = None,
    begin: int = 0,
    limit: int = 50,
) -> Listed:
    """Return a stretch of a report over the sealed entries from `since` up to `before`, of one batch (id) or of all.

    As with entries, `next` of what is returned is where to go on, and `size` what it holds for.

    Raises:
        Forbidden: the caller may not audit.
        NotFound: there is no such report, or the tree is not that large.
        Unreadable: the limit is not 1 to 200.
    """
    require_audit(caller)
    check_limit(limit)
    report = REPORTS.get(name)
    if report is None:
        raise NotFound(Text(f"没有报表{name[:64]}", f"there is no report {name[:64]}"))
    filters = Filters(since=since, before=before, batch=batch)
    return report.run(tx, caller, filters, size_as_asked(tx, size), begin, limit)
