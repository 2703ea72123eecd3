"""The schema: migrations lead to exactly the declared tables, and back and forth without losing data."""

import sqlalchemy as sa

from lifecycle import schema
from lifecycle.audit import Log
from lifecycle.database import Database
from lifecycle.tables import metadata
from tests.lifecycle import builders


def test_the_migrated_schema_equals_the_declared_tables(database: Database) -> None:
    assert schema.current(database) == schema.newest()
    assert schema.differences(database) == []


def test_every_declared_check_is_in_the_migrated_schema(database: Database) -> None:
    looked = sa.inspect(database.engine)
    for table in metadata.sorted_tables:
        declared = {str(item.name) for item in table.constraints if isinstance(item, sa.CheckConstraint)}
        assert {item["name"] for item in looked.get_check_constraints(table.name)} == declared, table.name


def test_migrating_twice_changes_nothing(database: Database) -> None:
    schema.upgrade(database)
    assert schema.current(database) == schema.newest()


def test_going_down_and_up_again_keeps_the_data(database: Database, log: Log) -> None:
    batch = builders.open_batch(database, log)
    (row,) = builders.create_projects(database, log, batch, 1)
    builders.act(database, log, row["id"], "submit")
    project = builders.read_project(database, row["id"])
    entries = builders.read_entries(database, f"project/{row['id']}")
    schema.downgrade(database, "0001")
    assert schema.current(database) == "0001"
    schema.upgrade(database)
    assert builders.read_project(database, row["id"]) == project
    assert builders.read_entries(database, f"project/{row['id']}") == entries
    assert schema.differences(database) == []


def test_going_all_the_way_down_leaves_no_table_of_ours(database: Database) -> None:
    schema.downgrade(database, "base")
    assert schema.current(database) is None
    schema.upgrade(database)
    assert schema.differences(database) == []
