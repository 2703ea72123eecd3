"""Life and readiness, open to everyone."""

from pathlib import Path

from api.app import create_app
from lifecycle import schema
from lifecycle.audit import Log
from lifecycle.database import Database, open_database
from lifecycle.settings import Settings
from schedules.runner import EVERY
from tests.api.conftest import Client, problem


def test_a_process_on_a_migrated_database_is_ready(client: Client) -> None:
    assert client.get(None, "/healthz").json() == {"status": "ok"}
    assert client.request(None, "HEAD", "/healthz").status_code == 200
    checks = {"writer_key": True, "database": True, "schema": True, "receipts": True}
    assert client.get(None, "/readyz").json() == {
        "status": "ready",
        "checks": checks,
        "late": sorted(EVERY),
        "drifting": 0,
    }


def test_an_old_schema_is_not_ready(client: Client, database: Database) -> None:
    schema.downgrade(database, "base")
    told = problem(client.get(None, "/readyz"), 503, "not-ready")
    assert told["checks"] == {"writer_key": True, "database": True, "schema": False, "receipts": False}
    assert client.get(None, "/healthz").status_code == 200


def test_a_process_whose_key_has_gone_is_not_ready(settings: Settings, client: Client, database: Database) -> None:
    own = Client(create_app(settings, database), client.runner)  # makes the key that the settings name
    assert own.get(None, "/readyz").status_code == 200
    settings.writer_key.unlink()
    assert problem(own.get(None, "/readyz"), 503, "not-ready")["checks"]["writer_key"] is False


def test_an_application_opens_what_it_is_not_handed(settings: Settings, tmp_path: Path, log: Log) -> None:
    app = create_app(settings)
    assert app.state.service.owns_database
    assert settings.writer_key.stat().st_mode & 0o777 == 0o600
    app.state.service.database.close()
    handed = open_database(settings)
    assert create_app(settings, handed, log).state.service.owns_database is False
    handed.close()
