"""The clock inside an embedded server seals the log: auditors have something to read from the first start."""

import base64

import pytest

from api.scheduling import context_of, seals_inside
from api.service import open_service
from lifecycle.audit import Log
from lifecycle.database import Database
from lifecycle.settings import Settings
from schedules.runner import EVERY, SEAL, Runner
from tests.api.conftest import Client, Clock


@pytest.fixture
def clockwork(settings: Settings, database: Database, log: Log, clock: Clock) -> Runner:
    writer = base64.b64encode(log.signer.public_key).decode()
    service = open_service(settings.model_copy(update={"writer_keys": (writer,)}), database, log, clock)
    return Runner(context_of(service, sealing=True))


def test_what_was_done_can_be_read_and_proved_after_the_job_has_run(clockwork: Runner, client: Client) -> None:
    assert client.get("auditor", "/api/v1/audit/entries").json()["size"] == 0
    assert clockwork.run(SEAL)
    size = client.get("auditor", "/api/v1/audit/entries").json()["size"]
    assert size > 0
    assert client.get("auditor", "/api/v1/audit/checkpoint").text.split("\n")[1] == str(size)
    assert clockwork.run(SEAL)
    assert client.get("auditor", "/api/v1/audit/entries").json()["size"] == size


def test_a_job_that_halts_is_on_record_as_failed(clockwork: Runner, settings: Settings) -> None:
    assert clockwork.run(SEAL)
    settings.seal_state.unlink()
    assert not clockwork.run(SEAL)


def test_the_server_seals_where_the_database_is_embedded_unless_told_otherwise(settings: Settings) -> None:
    assert seals_inside(settings) is settings.url.startswith("sqlite")
    for told in (True, False):
        assert seals_inside(settings.model_copy(update={"sealer": told})) is told


def test_the_scheduler_of_its_own_never_seals(settings: Settings, database: Database, log: Log, clock: Clock) -> None:
    service = open_service(settings, database, log, clock)
    assert context_of(service).seal is None
    assert SEAL not in EVERY
