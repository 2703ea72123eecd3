"""Missing sheets chased: recorded, told to the expert alone, no oftener than the plan says."""

from datetime import date, timedelta

import pytest

from lifecycle.addresses import add_address
from lifecycle.audit import Log
from lifecycle.commitments import is_commitment
from lifecycle.database import Database
from lifecycle.errors import Forbidden, NotOffered, TooSoon
from lifecycle.notices import Filters, list_notices
from lifecycle.panels import rounds
from lifecycle.panels.chasing import chase_sheets
from lifecycle.settings import Settings
from schedules.delivery import compose, deliver
from schedules.parcels import Parcel, Result
from schedules.reminders import queue_due
from tests.lifecycle.builders import at, caller
from tests.lifecycle.panelists import AUDITOR, HANDLER, NOW, Panel, new_panel

HOUR = timedelta(hours=1)


@pytest.fixture
def panel(database: Database, log: Log) -> Panel:
    """Ann has submitted all, bob one of two, cid nothing."""
    made = new_panel(database, log).scoring()
    first, second = made.projects
    made.score(first, {"ann": 80, "bob": 80})
    made.score(second, {"ann": 80})
    return made


def test_those_whose_sheets_are_missing_are_chased_on_record(panel: Panel) -> None:
    with panel.database.reading() as tx:
        missing = [(row["login"], row["code"]) for row in rounds.missing_sheets(tx, panel.id)]
    first, second = (row["code"] for row in panel.projects)
    assert sorted(missing) == [("bob", second), ("cid", first), ("cid", second)]
    done = panel.do(chase_sheets, None, "请于周一前提交")
    assert sorted((one["login"], one["missing"]) for one in done.told["chased"]) == [("bob", 1), ("cid", 2)]
    last = panel.bodies()[-1]
    assert (last["type"], [change["path"] for change in last["changes"]]) == (
        "panel.chased",
        ["/chased", "/chased", "/chased/note"],
    )
    assert is_commitment(last["changes"][-1]["new"])
    with pytest.raises(TooSoon) as caught:
        panel.do(chase_sheets, ["bob"])
    assert (caught.value.details["per"], caught.value.details["retry_after"]) == ("expert", 86_400)
    later = caller("handler", NOW + 24 * HOUR)
    panel.score(panel.projects[1], {"bob": 80})
    assert [one["login"] for one in panel.do(chase_sheets, by=later).told["chased"]] == ["cid"]
    with pytest.raises(NotOffered):
        panel.do(chase_sheets, ["ann"])
    for who in (AUDITOR, panel.people["ann"], caller("city", NOW, city="370100")):
        with pytest.raises(Forbidden):
            panel.do(chase_sheets, by=who)


def test_the_expert_alone_is_told_in_the_inbox_and_by_mail(panel: Panel, settings: Settings) -> None:
    cid = panel.people["cid"]
    with panel.database.transaction() as tx:
        add_address(tx, panel.log, settings, cid, "email", "cid@example.invalid")
    panel.do(chase_sheets, ["cid"], "请于周一前提交")
    with panel.database.transaction() as tx:
        assert queue_due(tx, NOW) > 0
    with panel.database.reading() as tx:
        mine = list_notices(tx, cid, Filters()).items
        city = list_notices(tx, caller("city", NOW, city="370100"), Filters()).items
    assert {(item["kind"], item["channel"], item["status"]) for item in mine} == {
        ("scores", "inbox", "sent"),
        ("scores", "email", "waiting"),
    }
    assert {item["project"] for item in mine} == {None}
    assert [item for item in city if item["kind"] == "scores"] == []
    parcels: list[Parcel] = []

    def send(parcel: Parcel) -> Result:
        parcels.append(parcel)
        return Result("sent")

    with panel.database.transaction() as tx:
        compose(tx, at(date(2024, 8, 7)) + HOUR)
    deliver(panel.database, send, lambda: NOW + HOUR, origin="test.invalid/log")
    (told,) = [parcel for parcel in parcels if parcel.target == "cid@example.invalid"]
    assert told.subject.startswith("【催办】评审一组：评分表2份待提交")
    assert "截止日为2024年8月12日" in told.text
    assert "请于周一前提交" in told.text
    assert HANDLER.actor.id in told.text
    assert not any(row["code"] in told.text or row["title"] in told.text for row in panel.projects)
