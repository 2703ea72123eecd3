"""The restore drill: a copy of an older backup halts the sealer and takes what it lacks from a bundle."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from lifecycle.audit import Log
from lifecycle.database import Database, open_database
from lifecycle.seal.drill import rehearse_restore
from lifecycle.settings import Settings
from tests.lifecycle import builders
from tests.lifecycle.seal.auditors import take
from tests.lifecycle.seal.sealers import NOW, count, log_signer, seal_all, terms_for, write


@contextmanager
def copy_of(settings: Settings, database: Database, folder: Path) -> Iterator[Database]:
    """Yield a copy of the database as it is now, as a restored backup is."""
    if not database.is_postgres:
        folder.mkdir()
        with sqlite3.connect(settings.data_dir / "pilot.sqlite3") as source, sqlite3.connect(folder / "c") as target:
            source.backup(target)
        opened = open_database(Settings(data_dir=folder, database_url=f"sqlite:///{folder / 'c'}"))
        yield opened
        opened.close()
        return
    url = sa.make_url(settings.url)
    database.pool.close()  # a template must have no other connection
    name = f"{url.database}_backup"
    admin = url.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {url.database}")  # type: ignore[arg-type]
        copied = url.set(database=name).render_as_string(hide_password=False)
        opened = open_database(Settings(data_dir=folder, database_url=copied))
        yield opened
        opened.close()
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[arg-type]


def test_a_backup_halts_the_sealer_and_holds_again_with_a_bundle(
    settings: Settings, database: Database, log: Log, tmp_path: Path
) -> None:
    terms, signer = terms_for(tmp_path, log), log_signer(tmp_path)
    batch = builders.open_batch(database, log)
    (row,) = builders.create_projects(database, log, batch, 1)
    seal_all(database, signer, terms)
    write(database, log, "a", 2)  # in the backup, but sealed after it
    restored = count(database, "leaf")
    with copy_of(settings, database, tmp_path / "backup") as backup:
        builders.drive(database, log, row["id"], "applied")
        write(database, log, "b", 3)
        (later,) = builders.create_projects(database, log, builders.open_batch(database, log, code="later"), 1)
        seal_all(database, signer, terms)
        signed = count(database, "leaf")
        bundle = take(database, log, terms, tmp_path / "bundle.zip", views=())
        state = terms.state.read_bytes()
        drill = rehearse_restore(backup, bundle, terms, signer, tmp_path / "drill", NOW)
        assert (drill.restored, drill.signed, drill.halted) == (restored, signed, "rolled-back")
        assert drill.imported == signed - restored - 2  # two were there, unsealed
        assert (drill.problems, drill.strangers, drill.holds) == ([], [], True)
        assert drill.behind == [f"project/{row['id']}"]
        assert f"project/{later['id']}" in drill.missing
        again = rehearse_restore(backup, bundle, terms, signer, tmp_path / "again", NOW)
        assert (again.restored, again.halted, again.imported, again.behind) == (signed, None, 0, [])
        assert terms.state.read_bytes() == state  # a drill touches copies only
        write(backup, log, "b", 1)  # the streams go on where they ended
        sealed = seal_all(backup, signer, terms)
        assert (sealed.problems, sealed.size) == ((), signed + 1)


def test_a_drill_needs_the_whole_log_of_this_house(database: Database, log: Log, tmp_path: Path) -> None:
    terms, signer = terms_for(tmp_path, log), log_signer(tmp_path)
    (row,) = builders.create_projects(database, log, builders.open_batch(database, log), 1)
    seal_all(database, signer, terms)
    part = take(database, log, terms, tmp_path / "part.zip", kind="project", name=row["id"], views=())
    with pytest.raises(ValueError, match="whole log"):
        rehearse_restore(database, part, terms, signer, tmp_path / "drill", NOW)
