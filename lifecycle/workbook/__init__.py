"""Exchange with Excel: tables read from workbooks of unknown origin, and written so that they read back.

Pure: no database, nothing known of any city or number. Two kinds of no: `WorkbookRefused` for a file that
cannot be taken as a whole, and `CellError`s for cells, all of them collected; with one error there are no rows.
"""

from lifecycle.workbook.choices import Vocabulary
from lifecycle.workbook.ledger import LedgerRow, write_ledger, write_template
from lifecycle.workbook.lists import write_quotas, write_shortlist, write_tasks
from lifecycle.workbook.package import Limits
from lifecycle.workbook.refusals import CellError, Unclean, WorkbookRefused
from lifecycle.workbook.summary import SummaryRow, SummaryTable, read_summary
from lifecycle.workbook.table import Table
from lifecycle.workbook.tables import QuotaRow, ShortlistRow, TaskRow, read_quotas, read_shortlist, read_tasks
from lifecycle.workbook.texts import clean_code, clean_credit_code, clean_line, clean_name, clean_phone, clean_text

__all__ = [
    "CellError",
    "LedgerRow",
    "Limits",
    "QuotaRow",
    "ShortlistRow",
    "SummaryRow",
    "SummaryTable",
    "Table",
    "TaskRow",
    "Unclean",
    "Vocabulary",
    "WorkbookRefused",
    "clean_code",
    "clean_credit_code",
    "clean_line",
    "clean_name",
    "clean_phone",
    "clean_text",
    "read_quotas",
    "read_shortlist",
    "read_summary",
    "read_tasks",
    "write_ledger",
    "write_quotas",
    "write_shortlist",
    "write_tasks",
    "write_template",
]
