"""Papers: made from a position in the log and nothing else, the same bytes for the same position, within reach."""

import io
import zipfile
from pathlib import Path

import docx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.audit import Log
from lifecycle.callers import Caller
from lifecycle.database import Database, open_database
from lifecycle.errors import Forbidden, NotFound, NotOffered, Unreadable
from lifecycle.files.formats import recognise
from lifecycle.papers.amounts import DIGITS, in_capitals, in_wan, with_unit
from lifecycle.papers.layout import in_numerals
from lifecycle.papers.writing import Written, offered_papers, write_project_paper
from lifecycle.replay import BrokenLog
from lifecycle.settings import Settings
from lifecycle.statements import Row
from states.checker.settings import check_policy
from states.definition import read_definition
from states.policy import read_policy
from tests.lifecycle import builders
from tests.lifecycle.builders import DEFINITION_TEXT, POLICY_TEXT, act, caller, caller_for, create_projects, drive
from tests.lifecycle.papered import needs_office, rows_of, shown, text_of

ORIGIN = "test.invalid/log"


def write(database: Database, project: Row, paper: str, seq: int | None = None, who: Caller | None = None) -> Written:
    with database.reading() as tx:
        return write_project_paper(tx, who or caller("handler"), ORIGIN, project["id"], paper, seq)


@pytest.fixture
def project(database: Database, log: Log) -> Row:
    batch = builders.open_batch(database, log)
    return create_projects(database, log, batch, 1)[0]


def test_a_paper_of_the_past_tells_nothing_of_what_came_later(database: Database, log: Log, project: Row) -> None:
    drive(database, log, project["id"], "half_year_rectification")
    early = write(database, project, "dossier", 2)
    told = text_of(early.content)
    assert "已申报" in told and "补充凭证" not in told and "推荐文件文号" not in told
    assert "市级推荐" not in told
    act(database, log, project["id"], "resubmit_half_year")
    assert write(database, project, "dossier", 2).content == early.content
    late = text_of(write(database, project, "dossier").content)
    assert "补充凭证" in late and "推荐文件文号" in late and "130.00" in late


def test_a_paper_carries_its_position_in_foot_and_properties(database: Database, log: Log, project: Row) -> None:
    written = write(database, project, "dossier")
    position, core = written.position, docx.Document(io.BytesIO(written.content)).core_properties
    entries = builders.read_entries(database, f"project/{project['id']}")
    assert (position.seq, position.leaf) == (len(entries), entries[-1]["leaf"].hex())
    assert (core.author, core.subject, core.identifier) == (ORIGIN, f"project/{project['id']}", position.text)
    assert position.text.replace(" ", "") in text_of(written.content)
    with zipfile.ZipFile(io.BytesIO(written.content)) as package:
        assert {member.date_time for member in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert recognise(io.BytesIO(written.content)) == "docx"


def test_a_rectification_notice_is_offered_where_the_project_has_to_rectify(
    database: Database, log: Log, project: Row
) -> None:
    with pytest.raises(NotOffered, match="no rectification notice"):
        write(database, project, "rectification_notice")
    row = drive(database, log, project["id"], "half_year_rectification")
    seq = row["head_seq"]
    act(database, log, project["id"], "resubmit_half_year")
    with pytest.raises(NotOffered):
        write(database, project, "rectification_notice")
    applicant = caller_for("applicant", row, builders.OPENED)
    told = text_of(write(database, project, "rectification_notice", seq, applicant).content)
    for words in ("服务商1：", "补充凭证", "2025年6月20日（含当日）", "山东省工业和信息化厅2025年3月20日"):
        assert words in told, words


def test_a_reward_form_is_the_provinces_and_names_sum_and_capitals(database: Database, log: Log, project: Row) -> None:
    row = drive(database, log, project["id"], "tier_proposed")
    written = write(database, project, "reward_approval")
    cells = {row[0]: row[1:] for row in rows_of(written.content, 0)}
    assert cells["拟奖补金额"] == ["50万元", "大写", "人民币伍拾万元整"]
    assert cells["综合评价得分"] == ["85.00", "奖补档次", "二档（上限50万元）"]
    assert cells["半年期核定投入"] == ["120万元", "一年期核定投入", "200万元"]
    assert [name for name in cells if name.endswith("意见")] == ["经办人意见", "业务处室意见", "分管厅领导意见"]
    for who in (caller_for("city", row, builders.OPENED), caller_for("applicant", row, builders.OPENED)):
        with pytest.raises(Forbidden):
            write(database, project, "reward_approval", who=who)
        with database.reading() as tx:
            assert "reward_approval" not in [one["paper"] for one in offered_papers(tx, who, project["id"])]


def test_a_dossier_shows_each_reader_what_the_history_shows_them(database: Database, log: Log, project: Row) -> None:
    row = drive(database, log, project["id"], "under_objection")
    told = {
        role: text_of(write(database, project, "dossier", who=caller_for(role, row, builders.OPENED)).content)
        for role in ("handler", "city", "applicant")
    }
    assert "李四" in told["handler"] and "异议材料" in told["handler"]
    for role in ("city", "applicant"):
        assert "李四" not in told[role] and "0531-12345678" not in told[role] and "异议材料" not in told[role]


def test_what_cannot_be_written_gets_a_clear_answer(database: Database, log: Log, project: Row) -> None:
    for seq, kind in ((0, Unreadable), (2**60, Unreadable), (99, NotFound)):
        with pytest.raises(kind):
            write(database, project, "dossier", seq)
    with pytest.raises(NotFound):
        write(database, project, "no_such")
    with pytest.raises(NotFound):
        write(database, project, "publication")  # a docket's
    with pytest.raises(NotFound):
        write(database, project, "dossier", who=caller("city", city=builders.QINGDAO))
    body = builders.read_entries(database, f"project/{project['id']}")[0]["body"]
    builders.force(database, ("UPDATE entry SET body = ? WHERE seq = 1", [body.replace(b"T01", b"T02")]))
    with pytest.raises(BrokenLog):
        write(database, project, "dossier")


def test_the_words_of_a_paper_are_the_batchs(database: Database, log: Log) -> None:
    text = POLICY_TEXT.replace('title = "{title}项目档案"', 'title = "{title}卷宗（{issuer}）"')
    batch = builders.open_batch(database, log, policy_text=text)
    (row,) = create_projects(database, log, batch, 1)
    assert "产线数字化1卷宗（山东省工业和信息化厅）" in text_of(write(database, row, "dossier").content)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ("{no_such}", "unknown_place"),
        ("{record.no_such}", "unknown_field"),
        ("{checkpoints.no_such}", "unknown_checkpoint"),
        ("{title", "unknown_place"),
        ("{title.x}", "unknown_place"),
    ],
)
def test_a_place_in_which_nothing_can_stand_is_a_fault(wrong: str, code: str) -> None:
    policy = read_policy(POLICY_TEXT.replace('title = "{title}项目档案"', f'title = "{wrong}"'))
    faults = check_policy(read_definition(DEFINITION_TEXT), policy)
    assert [(fault.code, fault.place) for fault in faults] == [(code, "papers.kinds.dossier")]


@pytest.mark.parametrize(
    ("fen", "words"),
    [
        (0, "人民币零元整"),
        (1, "人民币壹分"),
        (105, "人民币壹元零伍分"),
        (150, "人民币壹元伍角整"),
        (100_500_00, "人民币壹拾万零伍佰元整"),
        (105_000_00, "人民币壹拾万伍仟元整"),
        (10_010_001_00, "人民币壹仟零壹万零壹元整"),
        (2_000_000_001_00, "人民币贰拾亿零壹元整"),
        (123_456_789, "人民币壹佰贰拾叁万肆仟伍佰陆拾柒元捌角玖分"),
    ],
)
def test_amounts_in_capitals_are_as_cheques_write_them(fen: int, words: str) -> None:
    assert in_capitals(fen) == words


@given(st.integers(min_value=0, max_value=10**14))
def test_an_amount_can_be_read_back_from_what_is_written(fen: int) -> None:
    assert round(float(in_wan(fen).replace(",", "")) * 10**6) == fen or fen > 2**53
    units = {"拾": 10, "佰": 100, "仟": 1000}
    total = group = digit = 0
    text = in_capitals(fen).removeprefix("人民币").removesuffix("整")
    for char in text.replace("万亿", "兆"):
        if char in DIGITS:
            digit = DIGITS.index(char)
        elif char in units:
            group, digit = group + digit * units[char], 0
        elif char in ("万", "亿", "兆", "元"):
            total += (group + digit) * {"万": 10**4, "亿": 10**8, "兆": 10**12, "元": 1}[char] * 100
            group = digit = 0
        else:
            total, digit = total + digit * {"角": 10, "分": 1}[char], 0
    assert total == fen
    assert (in_wan(50_000_000), with_unit(50_000_000), with_unit(1)) == ("50.00", "50万元", "0.000001万元")


def test_headings_are_numbered_in_chinese() -> None:
    assert [in_numerals(number) for number in (1, 10, 11, 20, 35)] == ["一", "十", "十一", "二十", "三十五"]


@needs_office
def test_libreoffice_opens_every_paper_of_a_project(sqlite_template: Path, tmp_path: Path, log: Log) -> None:
    (tmp_path / "pilot.sqlite3").write_bytes(sqlite_template.read_bytes())
    database = open_database(Settings(data_dir=tmp_path))
    batch = builders.open_batch(database, log)
    rows = create_projects(database, log, batch, 2)
    drive(database, log, rows[0]["id"], "half_year_rectification")
    drive(database, log, rows[1]["id"], "rewarded")
    papers = {
        name: write(database, row, name).content
        for row, name in ((rows[0], "rectification_notice"), (rows[1], "reward_approval"), (rows[1], "dossier"))
    }
    database.close()
    told = shown(papers, tmp_path)
    assert "补充凭证" in told["rectification_notice"] and "2025年6月20日" in told["rectification_notice"]
    assert "人民币伍拾万元整" in told["reward_approval"]
    assert "制造厂2" in told["dossier"] and "200.00" in told["dossier"] and "批准奖补" in told["dossier"]
