"""The command that lists lapses the system proposes."""

from api.cli.output import emit, refusals, table
from api.cli.people import AsJson, AsLogin
from api.cli.session import open_session
from lifecycle.batches import find_batch
from lifecycle.lapses import list_overdue


def list_lapses(batch: str, as_login: AsLogin = None, as_json: AsJson = False) -> None:
    """拟确认逾期的项目，须由人确认 / projects past a round's grace; a person confirms each lapse."""
    session = open_session()
    with refusals(as_json):
        caller = session.caller(as_login)
        with session.database.reading() as tx:
            found = list_overdue(tx, caller, find_batch(tx, batch))
    columns = ("编号 code", "项目 title", "市 city", "状态 state", "宽限期满 grace ended", "逾期天数 days over")
    rows = [
        (one["code"], one["title"], one["city"], one["state_label"]["zh"], one["grace_ended_on"], one["days_over"])
        for one in found
    ]
    emit(found, as_json, lambda console: table(console, columns, rows))
