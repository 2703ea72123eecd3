"""Documents and papers on the command line: in, out, listed, written, swept."""

from pathlib import Path

import pytest

from tests.api.test_cli import BATCH, answer, home, pilot, staffed
from tests.lifecycle.filed import PDF

KIND = "application_book_pdf"
__all__ = ["home", "staffed"]  # fixtures


def test_a_document_goes_in_and_out_and_a_paper_is_written(staffed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(staffed)
    code = f"{BATCH}-00001"
    (staffed / "申报书.pdf").write_bytes(PDF)
    kept = answer("documents", "add", str(staffed / "申报书.pdf"), KIND, code, "--as", "wang")
    assert (kept["format"], kept["version"]) == ("pdf", 1)
    second = answer("documents", "add", str(staffed / "申报书.pdf"), KIND, code, "--replaces", kept["id"], "--as", "li")
    assert second["version"] == 2
    assert len(answer("documents", "list", code, "--versions", "--as", "wang")["items"]) == 2
    out = answer("documents", "get", kept["id"], code, "--to", "出.pdf", "--as", "wang")
    assert (staffed / out["path"]).read_bytes() == PDF
    assert pilot("documents", "get", kept["id"], code, "--to", "出.pdf", "--as", "wang").exit_code == 2
    assert pilot("documents", "list", "--as", "wang").exit_code == 2
    (staffed / "页.pdf").write_bytes(b"<html>")
    refused = pilot("documents", "add", str(staffed / "页.pdf"), KIND, code, "--as", "wang")
    assert refused.exit_code == 1
    listed = answer("papers", "list", code, "--as", "wang")["items"]
    assert [one["paper"] for one in listed] == ["dossier", "rectification_notice", "acceptance_form"]
    paper = answer("papers", "write", "dossier", code, "--seq", "1", "--as", "wang")
    assert (paper["position"]["seq"], (staffed / paper["path"]).read_bytes()[:2]) == (1, b"PK")
    assert pilot("papers", "write", "dossier", code, "--seq", "1", "--as", "wang").exit_code == 2
    assert pilot("papers", "write", "reward_approval", code, "--as", "wang").exit_code == 1
    shown = answer("documents", "sweep")
    assert (shown["removed"], shown["orphans"], shown["missing"], shown["files"]) == (False, [], [], 1)
    assert answer("documents", "sweep", "--commit")["removed"]
    assert pilot("documents", "sweep", "--as", "wang").exit_code == 1
