"""Papers of dockets: the recommendation list, the notices and the lists of rewards, as the docket stood at an entry."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from lifecycle.audit import Log
from lifecycle.callers import Caller
from lifecycle.database import Database, open_database
from lifecycle.dockets.edits import DraftItem, Edit
from lifecycle.documents.keeping import Asked
from lifecycle.documents.reading import list_documents
from lifecycle.errors import Forbidden, NotFound, Unreadable
from lifecycle.files.store import open_store
from lifecycle.papers.dockets import docket_papers, write_docket_paper
from lifecycle.papers.writing import Written
from lifecycle.settings import Settings
from lifecycle.statements import Row
from tests.lifecycle import docketing
from tests.lifecycle.builders import (
    JINAN,
    QINGDAO,
    STORING_POLICY_TEXT,
    act,
    application,
    at,
    caller,
    caller_for,
    create_projects,
    drive,
    open_batch,
)
from tests.lifecycle.docketing import CITY, PACKAGE, draft, edit, package, receive, release
from tests.lifecycle.filed import bring
from tests.lifecycle.papered import announced, needs_office, published_list, rows_of, shown, text_of

ORIGIN = "test.invalid/log"


def write(database: Database, docket: str, paper: str, seq: int | None = None, who: Caller = CITY) -> Written:
    with database.reading() as tx:
        return write_docket_paper(tx, who, ORIGIN, docket, paper, seq)


def applied(database: Database, log: Log, batch: Row, amounts: tuple[int, ...]) -> list[Row]:
    """Enter one application for each amount, and submit them."""
    filed = [application(number, investment_fen=fen) for number, fen in enumerate(amounts, 1)]
    rows = create_projects(database, log, batch, filed)
    for row in rows:
        act(database, log, row["id"], "submit")
    return rows


def test_a_list_follows_the_docket_from_draft_to_release_with_ranks_and_sums(database: Database, log: Log) -> None:
    batch = open_batch(database, log)
    rows = applied(database, log, batch, (200_000_000, 150_000_050))
    docket = draft(database, log, batch, "recommendation", package(rows)).docket
    first = write(database, docket, "recommendation_list")
    edit(database, log, docket, Edit(order=[rows[1]["id"], rows[0]["id"]]))
    release(database, log, docket)
    receive(database, log, docket, caller("handler", at(date(2024, 8, 2))), date(2024, 8, 2))
    assert write(database, docket, "recommendation_list", first.position.seq).content == first.content
    assert [row[2] for row in rows_of(first.content, 0)] == ["项目名称", "产线数字化1", "产线数字化2", ""]
    written = write(database, docket, "recommendation_list")
    head, *items, foot = rows_of(written.content, 0)
    assert [(row[0], row[2], row[6]) for row in items] == [
        ("1", "产线数字化2", "150.00005"),
        ("2", "产线数字化1", "200.00"),
    ]
    assert (head[6], foot[0], foot[6]) == ("预期投入（万元）", "合计", "350.00005")
    told = text_of(written.content)
    assert "济南市推荐" in told and "济工信〔2024〕1号（2024年7月25日）；共2项" in told
    assert written.position.text.replace(" ", "") in told
    for row in rows:  # what becomes of the projects afterwards changes nothing
        act(database, log, row["id"], "accept_filing")
    assert write(database, docket, "recommendation_list").content == written.content


def test_who_may_have_which_paper_of_a_docket(database: Database, log: Log) -> None:
    batch = open_batch(database, log)
    rows = applied(database, log, batch, (200_000_000,))
    docket = draft(database, log, batch, "recommendation", package(rows)).docket
    with database.reading() as tx:
        assert [one["paper"] for one in docket_papers(tx, CITY, docket)] == ["recommendation_list"]
    for who in (caller("city", city=QINGDAO), caller_for("applicant", rows[0], CITY.now), caller("expert")):
        with pytest.raises(NotFound):
            write(database, docket, "recommendation_list", who=who)
    for paper in ("publication", "dossier", "no_such"):
        with pytest.raises(NotFound):
            write(database, docket, paper)
    with pytest.raises(NotFound):
        write(database, docket, "recommendation_list", 99)
    empty = draft(database, log, batch, "recommendation", Edit()).docket
    with pytest.raises(Unreadable):
        write(database, empty, "recommendation_list")


def test_a_documents_of_a_docket_is_its_own_and_its_acts_may_refer_to_it(
    database: Database, log: Log, settings: Settings
) -> None:
    batch = open_batch(database, log, policy_text=STORING_POLICY_TEXT)
    docket = draft(database, log, batch, "recommendation", Edit(header=PACKAGE)).docket
    asked = Asked(("docket", docket), "recommendation_document", "推荐文件.pdf")
    kept = bring(database, log, open_store(settings), settings, CITY, asked)
    assert kept["stage"] == "application"
    with pytest.raises(NotFound):
        bring(database, log, open_store(settings), settings, caller("city", city=QINGDAO), asked)
    with database.reading() as tx:
        assert [one["id"] for one in list_documents(tx, CITY, ("docket", docket))] == [kept["id"]]
    assert docketing.entries(database, docket)[-1]["type"] == "docket.document_stored"


def _rewards(database: Database, log: Log, batch: Row, rows: list[Row]) -> str:
    by = caller("handler", at(date(2025, 10, 20)))
    sums = (50_000_000, 30_000_000)
    put: list[Any] = [
        DraftItem(row["id"], fields={"evaluation_score": "85", "tier": ["second"], "reward_fen": fen})
        for row, fen in zip(rows, sums, strict=True)
    ]
    return draft(database, log, batch, "reward_proposal", Edit(put=put), by).docket


def test_the_notices_and_the_rewards_name_projects_dates_and_sums(database: Database, log: Log) -> None:
    batch, handler = open_batch(database, log), caller("handler")
    rows = create_projects(database, log, batch, 2)
    for row in rows:
        drive(database, log, row["id"], "reviewed")
    notice = text_of(write(database, announced(database, log, batch, rows), "publicity_notice", who=handler).content)
    assert "公示期自2024年8月12日至2024年8月16日" in notice and "下列2个项目" in notice
    assert "服务商2、制造厂2" in notice and "13800000000" not in notice
    published = write(database, published_list(database, log, batch, rows), "publication", who=handler)
    assert "鲁工信〔2024〕9号" in text_of(published.content)
    assert [row[0] for row in rows_of(published.content, 0)] == ["序号", "1", "2"]
    for row in rows:
        for event in ("apply_half_year", "pass_half_year", "apply_one_year", "pass_one_year"):
            act(database, log, row["id"], event)
    docket = _rewards(database, log, batch, rows)
    table = rows_of(write(database, docket, "reward_list", who=handler).content, 0)
    assert [row[5:] for row in table[1:]] == [
        ["85.00", "二档", "50.00"],
        ["85.00", "二档", "30.00"],
        ["", "", "80.00"],
    ]
    with pytest.raises((Forbidden, NotFound)):
        write(database, docket, "reward_list", who=caller("city", city=JINAN))


@needs_office
def test_libreoffice_opens_every_paper_of_a_docket(sqlite_template: Path, tmp_path: Path, log: Log) -> None:
    (tmp_path / "pilot.sqlite3").write_bytes(sqlite_template.read_bytes())
    database = open_database(Settings(data_dir=tmp_path))
    batch, handler = open_batch(database, log), caller("handler")
    rows = applied(database, log, batch, (200_000_000, 150_000_050))
    package_of = draft(database, log, batch, "recommendation", package(rows)).docket
    release(database, log, package_of)
    receive(database, log, package_of, caller("handler", at(date(2024, 8, 2))), date(2024, 8, 2))
    for row in rows:
        act(database, log, row["id"], "accept_filing")
        act(database, log, row["id"], "pass_review")
    papers = {"recommendation_list": write(database, package_of, "recommendation_list").content}
    publicity, publication = announced(database, log, batch, rows), published_list(database, log, batch, rows)
    papers["publicity_notice"] = write(database, publicity, "publicity_notice", who=handler).content
    papers["publication"] = write(database, publication, "publication", who=handler).content
    told = shown(papers, tmp_path)
    database.close()
    assert "合计" in told["recommendation_list"] and "350.00005" in told["recommendation_list"]
    assert "2024年8月16日" in told["publicity_notice"] and "制造厂2" in told["publicity_notice"]
    assert "鲁工信〔2024〕9号" in told["publication"] and "共2项" in told["publication"]
