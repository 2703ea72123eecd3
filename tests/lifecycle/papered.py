"""Papers read back: as text from the file, and as LibreOffice shows them; and lists that are released to be read."""

import io
import re
import shutil
import subprocess
from datetime import date
from pathlib import Path

import docx
import pytest

from lifecycle.audit import Log
from lifecycle.database import Database
from lifecycle.dockets.edits import DraftItem, Edit
from lifecycle.statements import Row
from tests.lifecycle.builders import at, caller, veto_checks
from tests.lifecycle.docketing import draft, release

SOFFICE = shutil.which("soffice")
CALC = SOFFICE is not None and (Path(SOFFICE).resolve().parent / "libsclo.so").exists()  # it reads workbooks too
needs_office = pytest.mark.skipif(
    SOFFICE is None or shutil.which("pdftotext") is None, reason="LibreOffice and pdftotext are not installed"
)


def text_of(content: bytes) -> str:
    """Return all text of a Word file: paragraphs and cells in order, then the foot, without blanks."""
    document = docx.Document(io.BytesIO(content))
    parts = [node.text or "" for node in document.element.body.iter() if node.tag.endswith("}t")]
    parts += [paragraph.text for paragraph in document.sections[0].footer.paragraphs]
    return re.sub(r"\s", "", "".join(parts))


def rows_of(content: bytes, number: int) -> list[list[str]]:
    """Return a table's cells as text."""
    return [[cell.text for cell in row.cells] for row in docx.Document(io.BytesIO(content)).tables[number].rows]


def shown(papers: dict[str, bytes], folder: Path, ending: str = "docx") -> dict[str, str]:
    """Return the text of papers as LibreOffice sets them in PDF, without blanks; all in one start of it."""
    assert SOFFICE is not None
    for name, content in papers.items():
        (folder / f"{name}.{ending}").write_bytes(content)
    profile = f"-env:UserInstallation=file://{folder}/profile"
    command = [SOFFICE, profile, "--headless", "--convert-to", "pdf", "--outdir", str(folder)]
    subprocess.run([*command, *(str(folder / f"{name}.{ending}") for name in papers)], check=True, capture_output=True)
    found = {}
    for name in papers:
        pdf = str(folder / f"{name}.pdf")
        told = subprocess.run(["pdftotext", "-layout", pdf, "-"], check=True, capture_output=True).stdout
        found[name] = re.sub(r"\s", "", told.decode())
    return found


def announced(database: Database, log: Log, batch: Row, rows: list[Row]) -> str:
    """Release a publicity list of these projects and return its id."""
    header = {"publicity_number": "公示〔2024〕1号", "publicity_starts_on": "2024-08-12"}
    by = caller("handler", at(date(2024, 8, 12)))
    docket = draft(
        database, log, batch, "publicity_list", Edit(header=header, put=[DraftItem(row["id"]) for row in rows]), by
    )
    release(database, log, docket.docket, by)
    return docket.docket


def published_list(database: Database, log: Log, batch: Row, rows: list[Row]) -> str:
    """Release a published list of these projects and return its id."""
    day = date(2024, 8, 31)
    by = caller("handler", at(day))
    put = [DraftItem(row["id"], fields={"veto_checks": veto_checks(day)}) for row in rows]
    docket = draft(
        database, log, batch, "publication", Edit(header={"publication_number": "鲁工信〔2024〕9号"}, put=put), by
    )
    release(database, log, docket.docket, by)
    return docket.docket
