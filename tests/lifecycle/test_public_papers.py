"""Lists as the public may take them away, results of acceptance, and lists as workbooks: each from its position."""

from collections.abc import Sequence
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from lifecycle.audit import Log
from lifecycle.callers import Caller
from lifecycle.database import Database, open_database
from lifecycle.dockets.edits import DraftItem, Edit
from lifecycle.errors import NotFound, RulesUnmet, Unreadable
from lifecycle.papers.dockets import write_docket_paper, write_docket_sheet
from lifecycle.papers.public import write_public_list
from lifecycle.papers.writing import Written
from lifecycle.settings import Settings
from lifecycle.statements import Row
from states.checker import check_policy
from states.definition import read_definition
from states.policy import read_policy
from tests.lifecycle.builders import (
    DEFINITION_TEXT,
    POLICY_TEXT,
    act,
    at,
    caller,
    create_projects,
    drive,
    open_batch,
)
from tests.lifecycle.docketing import CITY, draft, give_back, package, release
from tests.lifecycle.papered import CALC, announced, needs_office, published_list, rows_of, shown, text_of

ORIGIN = "test.invalid/log"
HANDLER = caller("handler")
LATER = at(date(2024, 9, 1))
RESULT_ON = date(2025, 3, 20)
PRIVATE = ("13800000000", "张三", "同意推荐", "91370100")


def sheet(database: Database, docket: str, paper: str, who: Caller = HANDLER, seq: int | None = None) -> Written:
    with database.reading() as tx:
        return write_docket_sheet(tx, who, ORIGIN, docket, paper, seq)


def paper_of(database: Database, docket: str, paper: str, who: Caller = HANDLER) -> Written:
    with database.reading() as tx:
        return write_docket_paper(tx, who, ORIGIN, docket, paper)


def public(database: Database, docket: str, form: str, day: date = date(2024, 9, 1)) -> Written:
    with database.reading() as tx:
        return write_public_list(tx, ORIGIN, docket, form, at(day))


def lines_of(content: bytes) -> list[tuple[Any, ...]]:
    return list(load_workbook(BytesIO(content)).active.iter_rows(values_only=True))


def ready(database: Database, log: Log, state: str, projects: int = 2) -> tuple[Row, list[Row]]:
    batch = open_batch(database, log)
    rows = create_projects(database, log, batch, projects)
    return batch, [drive(database, log, row["id"], state) for row in rows]


def half_year_result(database: Database, log: Log, batch: Row, rows: Sequence[Row]) -> str:
    """Release a result in which the first passes and the second has to rectify."""
    by = caller("handler", at(RESULT_ON))
    passed = {"half_year_verified_fen": 120_000_050, "half_year_score": "86.00", "half_year_opinion": "通过"}
    put = [
        DraftItem(rows[0]["id"], fields=passed),
        DraftItem(rows[1]["id"], "rectify_half_year", {"rectification_list": "补充凭证"}),
    ]
    docket = draft(database, log, batch, "half_year_result", Edit(put=put), by).docket
    release(database, log, docket, by)
    return docket


def test_a_public_list_is_written_from_its_release_whatever_comes_later(database: Database, log: Log) -> None:
    batch, rows = ready(database, log, "reviewed")
    docket = announced(database, log, batch, rows)
    word, book = (public(database, docket, form) for form in ("docx", "xlsx"))
    assert (word.position, word.position.seq, word.name[-5:]) == (book.position, 2, ".docx")
    with pytest.raises(RulesUnmet):  # told in the docket's stream: the list stays as it was released
        release(database, log, docket, caller("handler", LATER), digest="0" * 64)
    for row in rows:
        act(database, log, row["id"], "publish")
    assert (public(database, docket, "docx").content, public(database, docket, "xlsx").content) == (
        word.content,
        book.content,
    )
    told, cells = text_of(word.content), str(lines_of(book.content))
    assert "公示编号：公示〔2024〕1号；公示期：2024年8月12日至2024年8月16日；共2项。" in told
    assert not [text for text in PRIVATE if text in told + cells]
    for shown_as in (told, cells.replace(" ", "")):
        assert word.position.text.replace(" ", "") in shown_as
    head, *items = rows_of(word.content, 0)
    assert [list(line) for line in lines_of(book.content)[1:4]] == [head, *items]
    assert [line[3] for line in items] == [row["title"] for row in rows]


def test_a_list_is_nobody_s_to_have_before_its_day_and_of_a_kind_that_is_not_public_never(
    database: Database, log: Log
) -> None:
    batch, rows = ready(database, log, "reviewed")
    docket = announced(database, log, batch, rows)
    with pytest.raises(NotFound):
        public(database, docket, "docx", date(2024, 8, 11))
    assert public(database, docket, "docx", date(2024, 8, 12)).position.seq == 2
    drafted = draft(database, log, batch, "publication", Edit(put=[DraftItem(rows[0]["id"])]), HANDLER).docket
    for name in (drafted, rows[0]["id"], "x"):
        with pytest.raises(NotFound):
            public(database, name, "xlsx")


def test_a_published_list_names_its_document_and_its_date(database: Database, log: Log) -> None:
    batch, rows = ready(database, log, "reviewed")
    announced(database, log, batch, rows)
    docket = published_list(database, log, batch, rows)
    assert "公布文件：鲁工信〔2024〕9号；2024年8月31日；共2项。" in text_of(public(database, docket, "docx").content)
    assert lines_of(public(database, docket, "xlsx").content)[2][:5] == ("1", "济南", "T01", "产线数字化1", "服务商1")


def test_a_batch_whose_words_know_no_public_paper_offers_none(database: Database, log: Log) -> None:
    batch = open_batch(database, log, policy_text=POLICY_TEXT.replace("public = true\n", ""))
    rows = [drive(database, log, row["id"], "reviewed") for row in create_projects(database, log, batch, 1)]
    with pytest.raises(NotFound, match="no public paper"):
        public(database, announced(database, log, batch, rows), "docx")


def test_results_of_acceptance_show_every_conclusion_and_sum_and_the_notice_those_that_passed(
    database: Database, log: Log
) -> None:
    batch, rows = ready(database, log, "half_year_evaluation")
    docket = half_year_result(database, log, batch, rows)
    result = paper_of(database, docket, "half_year_result")
    assert [line[5:] for line in rows_of(result.content, 0)[1:]] == [
        ["半年期验收通过", "86.00", "130.00", "120.00005"],
        ["半年期限期整改", "—", "130.00", "—"],
        ["", "", "260.00", "120.00005"],
    ]
    notice = text_of(paper_of(database, docket, "half_year_notice", caller("auditor")).content)
    assert "下列1个项目通过半年期验收" in notice and rows[1]["title"] not in notice
    with pytest.raises(NotFound):
        paper_of(database, docket, "half_year_result", caller("city", city=CITY.actor.city))
    act(database, log, rows[1]["id"], "resubmit_half_year")
    assert paper_of(database, docket, "half_year_result").content == result.content


def test_the_list_of_a_paper_as_a_workbook_holds_its_rows_and_sums_as_numbers(database: Database, log: Log) -> None:
    batch, rows = ready(database, log, "half_year_evaluation")
    docket = half_year_result(database, log, batch, rows)
    written = sheet(database, docket, "half_year_result")
    assert sheet(database, docket, "half_year_result", seq=written.position.seq).content == written.content
    lines = lines_of(written.content)
    assert [line[5:] for line in lines[1:5]] == [
        ("结论", "评价得分", "申报投入（万元）", "核定投入（万元）"),
        ("半年期验收通过", "86.00", 130, 120.00005),
        ("半年期限期整改", "—", 130, None),
        (None, None, 260, 120.00005),
    ]
    assert (len(lines), lines[-1][0]) == (7, f"注：据留痕生成 {written.position.text}")
    properties = load_workbook(BytesIO(written.content)).properties
    assert (properties.identifier, properties.modified.date()) == (written.position.text, RESULT_ON)


def test_a_workbook_is_refused_as_its_paper_is(database: Database, log: Log) -> None:
    batch, rows = ready(database, log, "applied")
    docket = draft(database, log, batch, "recommendation", package(rows), CITY).docket
    assert len(lines_of(sheet(database, docket, "recommendation_list", CITY).content)) == 7
    for name, seq in (("no_such", None), ("half_year_result", None), ("recommendation_list", 9)):
        with pytest.raises(NotFound):
            sheet(database, docket, name, CITY, seq)
    release(database, log, docket, CITY)
    give_back(database, log, docket, caller("handler", CITY.now))
    assert len(lines_of(sheet(database, docket, "recommendation_list", CITY).content)) == 7
    with pytest.raises(Unreadable):
        empty = draft(database, log, batch, "recommendation", Edit(), CITY).docket
        sheet(database, empty, "recommendation_list", CITY)


@pytest.mark.parametrize(
    "place",
    ["contact", "phone", "lead_code", "remarks", "record.reward_fen", "checkpoints.payment_due", "header.veto_checks"],
)
def test_a_public_paper_may_not_name_what_the_public_does_not_see(place: str) -> None:
    policy = read_policy(POLICY_TEXT.replace('title = "{programme}项目名单"', f'title = "{{{place}}}"'))
    (fault,) = check_policy(read_definition(DEFINITION_TEXT), policy)
    assert (fault.code, fault.place) == ("private_place", "papers.kinds.public_publication")
    assert f"{{{place}}}" in fault.message.en


def test_a_public_paper_belongs_to_a_docket() -> None:
    text = POLICY_TEXT.replace('dockets = ["publication"]\npublic = true', "public = true")
    faults = check_policy(read_definition(DEFINITION_TEXT), read_policy(text))
    assert [fault.code for fault in faults] == ["public_without_docket"]


@needs_office
def test_libreoffice_opens_every_list_of_the_public_and_of_acceptance(
    sqlite_template: Path, tmp_path: Path, log: Log
) -> None:
    (tmp_path / "pilot.sqlite3").write_bytes(sqlite_template.read_bytes())
    database = open_database(Settings(data_dir=tmp_path))
    batch, rows = ready(database, log, "reviewed")
    publicity = announced(database, log, batch, rows)
    publication = published_list(database, log, batch, rows)
    for row in rows:
        act(database, log, row["id"], "apply_half_year")
    result = half_year_result(database, log, batch, rows)
    word = {
        "publicity": public(database, publicity, "docx").content,
        "publication": public(database, publication, "docx").content,
        "result": paper_of(database, result, "half_year_result").content,
        "notice": paper_of(database, result, "half_year_notice").content,
    }
    books = {
        "published": public(database, publication, "xlsx").content,
        "sums": sheet(database, result, "half_year_result").content,
    }
    database.close()
    told = {**shown(word, tmp_path), **(shown(books, tmp_path, "xlsx") if CALC else {})}
    for name, words in (
        ("publicity", ("公示〔2024〕1号", "2024年8月16日", "制造厂2")),
        ("publication", ("鲁工信〔2024〕9号", "产线数字化1", "服务商2")),
        ("result", ("260.00", "120.00005", "合计")),
        ("notice", ("通过半年期验收", "产线数字化1")),
        ("published", ("产线数字化2", "制造厂1", "据留痕生成")),
        ("sums", ("120.00005", "260.00", "半年期验收通过")),
    ):
        assert [text for text in words if name in told and text not in told[name]] == [], name
    assert set(told) - set(books) == set(word)
