"""What was redacted by two persons verifies in every bundle; what merely went missing does not."""

from pathlib import Path

import pytest

from lifecycle.audit import Log
from lifecycle.database import Database
from lifecycle.errors import Conflict
from lifecycle.seal.bundle import Order
from lifecycle.seal.bundle.making import prepare
from lifecycle.settings import Settings
from tests.lifecycle.builders import caller
from tests.lifecycle.redacting import redact
from tests.lifecycle.seal.scenes import ORIGIN, Scene
from tests.lifecycle.seal.sealers import NOW, damage


def test_bundles_of_the_log_and_of_the_project_verify_after_a_redaction(
    settings: Settings, database: Database, log: Log, tmp_path: Path
) -> None:
    scene = Scene(settings, database, log, tmp_path)
    redact(database, log, person=f"contact/{scene.project}", erase=True)
    with database.reading() as tx, pytest.raises(Conflict, match="not sealed yet"):
        prepare(tx, ORIGIN, scene.terms.folder, caller("auditor", NOW), Order(disclosures=True))
    scene.seal()
    assert (scene.sealer(), scene.inspected()) == ("", set())
    for order in ({}, {"kind": "project", "name": scene.project}):
        verified = scene.verified(disclosures=True, **order)
        assert (verified.found, "lawfully redacted: 2" in verified.text) == (set(), True), verified.text
    damage(database, ("DELETE FROM disclosure", []))
    for order in ({}, {"kind": "project", "name": scene.project}):
        verified = scene.verified(disclosures=True, **order)
        assert (verified.found, "no entry redacts it" in verified.text) == ({"disclosure"}, True)
