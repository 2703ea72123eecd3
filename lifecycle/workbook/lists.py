"""The small tables, written: task list, quotas, shortlist. What `tables` reads."""

from collections.abc import Iterable

from lifecycle.workbook.choices import Vocabulary
from lifecycle.workbook.page import WHOLE, Field, Page
from lifecycle.workbook.tables import QuotaRow, ShortlistRow, TaskRow

_TASKS = (Field("任务编号", None, 14), Field("任务名称", None, 48), Field("类别", None, 20))
_QUOTAS = (Field("市", None, 14), Field("推荐名额", None, 14, WHOLE))
_SHORTLIST = (
    Field("单位名称", None, 36),
    Field("统一社会信用代码", None, 24),
    Field("批次", None, 20),
    Field("项目名称", None, 40),
)


def write_tasks(rows: Iterable[TaskRow], note: str | None = None, title: str = "任务榜单") -> bytes:
    """Write a task list.

    Raises:
        WorkbookRefused: a text holds what no cell can hold; so do the other two.
    """
    page = Page("榜单", title, _TASKS)
    for row in rows:
        page.add([row.code, row.title, row.category])
    return page.close(note)


def write_quotas(
    rows: Iterable[QuotaRow], vocabulary: Vocabulary, note: str | None = None, title: str = "推荐名额分配表"
) -> bytes:
    """Write a quota table, cities by name."""
    page = Page("推荐名额", title, _QUOTAS)
    for row in rows:
        page.add([vocabulary.cities.get(row.city, row.city), row.quota])
    return page.close(note)


def write_shortlist(rows: Iterable[ShortlistRow], note: str | None = None, title: str = "入选单位名单") -> bytes:
    """Write a shortlist."""
    page = Page("入选名单", title, _SHORTLIST)
    for row in rows:
        page.add([row.name, row.credit_code, row.batch, row.project])
    return page.close(note)
