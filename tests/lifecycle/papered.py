"""Papers read back: as text from the Word file, and as LibreOffice shows them."""

import io
import re
import shutil
import subprocess
from pathlib import Path

import docx
import pytest

SOFFICE = shutil.which("soffice")
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


def shown(papers: dict[str, bytes], folder: Path) -> dict[str, str]:
    """Return the text of papers as LibreOffice sets them in PDF, without blanks; all in one start of it."""
    assert SOFFICE is not None
    for name, content in papers.items():
        (folder / f"{name}.docx").write_bytes(content)
    profile = f"-env:UserInstallation=file://{folder}/profile"
    command = [SOFFICE, profile, "--headless", "--convert-to", "pdf", "--outdir", str(folder)]
    subprocess.run([*command, *(str(folder / f"{name}.docx") for name in papers)], check=True, capture_output=True)
    found = {}
    for name in papers:
        pdf = str(folder / f"{name}.pdf")
        told = subprocess.run(["pdftotext", "-layout", pdf, "-"], check=True, capture_output=True).stdout
        found[name] = re.sub(r"\s", "", told.decode())
    return found
