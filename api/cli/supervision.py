"""Commands of dynamic supervision: progress calls, and lapses the system proposes."""

from api.cli.output import emit, table
from api.cli.people import AsJson, AsLogin
from api.cli.projects import Project, find_project
from api.cli.session import visiting
from lifecycle.batches import find_batch
from lifecycle.lapses import list_overdue
from lifecycle.progress import list_calls


def list_lapses(batch: str, as_login: AsLogin = None, as_json: AsJson = False) -> None:
    """拟确认逾期的项目，须由人确认 / projects past a round's grace; a person confirms each lapse."""
    with visiting(as_login, as_json) as here, here.reading() as tx:
        found = list_overdue(tx, here.caller, find_batch(tx, batch))
    columns = ("编号 code", "项目 title", "市 city", "状态 state", "宽限期满 grace ended", "逾期天数 days over")
    rows = [
        (one["code"], one["title"], one["city"], one["state_label"]["zh"], one["grace_ended_on"], one["days_over"])
        for one in found
    ]
    emit(found, as_json, lambda console: table(console, columns, rows))


def list_progress(project: Project, as_login: AsLogin = None, as_json: AsJson = False) -> None:
    """进展报告期及报送情况 / a project's progress calls: answered, late or missed."""
    with visiting(as_login, as_json) as here, here.reading() as tx:
        found = list_calls(tx, here.caller, find_project(tx, here.caller, project))
    columns = ("期 number", "开始 opens", "截止 due", "报送 answered", "情况 status")
    rows = [(one["number"], one["opens_on"], one["due_on"], one["answered_on"], one["status"]) for one in found]
    emit(found, as_json, lambda console: table(console, columns, rows))
