"""What an export holds in memory does not grow with the log: processes of their own, over logs of two lengths."""

from pathlib import Path

import pytest

from lifecycle.database import Database
from lifecycle.exporting.forms import FORMS
from lifecycle.seal.examination import Writers
from lifecycle.seal.sealer import SealTerms, seal_once
from lifecycle.settings import Settings
from lifecycle.signing import load_or_create_signer
from tests.benchmarks.exporting import taken
from tests.benchmarks.filling_log import fill
from tests.lifecycle.seal.sealers import NOW, ORIGIN, log_signer

QUICK, FULL = 6_000, 1_000_000
LIMIT = 300  # MiB, of the process as a whole


@pytest.mark.campaign
def test_an_export_of_a_longer_log_takes_no_more_memory(
    settings: Settings, database: Database, tmp_path: Path, campaign: bool
) -> None:
    """Six thousand entries on SQLite; a million on both databases in the campaign."""
    if database.is_postgres and not campaign:
        pytest.skip("PostgreSQL is the campaign's")
    size = FULL if campaign else QUICK
    fill(database, ORIGIN, key := tmp_path / "writer.key", size)
    writer = load_or_create_signer(key).public_key
    terms = SealTerms(ORIGIN, Writers([writer]), tmp_path / "state" / "checkpoint", tmp_path / "published")
    more = True
    while more:
        more = seal_once(database, log_signer(tmp_path), terms, NOW).more
    for form in FORMS:
        short, long = taken(settings.url, tmp_path, form, size // 3, size)
        assert long["octets"] > 2.9 * short["octets"] or form == "xlsx"
        assert long["peak"] < LIMIT, form
        assert long["peak"] - short["peak"] < (LIMIT if campaign else 12), (form, short, long)
