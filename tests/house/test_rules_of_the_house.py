"""Our own rules, held as tests: where things may stand and what no file may hold."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.documentation import pages
from lifecycle.errors import Refusal, kinds_of

ROOT = Path(__file__).parents[2]
VERIFIER = "lifecycle/seal/verifier/verify_audit.py"  # one file on purpose
PACKAGES = ("states", "lifecycle", "schedules", "api")


def sources(*packages: str) -> Iterator[Path]:
    for package in packages or PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_only_the_database_module_commits() -> None:
    found = [named(path) for path in sources() if re.search(r"\.commit\(\)", path.read_text("utf-8"))]
    assert found == ["lifecycle/database.py"]


def test_routes_reach_the_database_through_the_visit_that_confirms_the_caller() -> None:
    openly = re.compile(r"service\.database")
    found = [named(path) for path in (ROOT / "api/routes").rglob("*.py") if openly.search(path.read_text("utf-8"))]
    assert sorted(found) == ["api/routes/feeds.py", "api/routes/health.py", "api/routes/public.py"]  # open to everyone


def test_nothing_below_the_edge_reads_the_clock() -> None:
    clock = re.compile(r"datetime\.(now|utcnow)\(|date\.today\(|time\.time\(\)")
    found = [
        named(path) for path in sources("states", "lifecycle", "schedules") if clock.search(path.read_text("utf-8"))
    ]
    assert found == []


def test_only_states_data_names_a_state_or_an_event() -> None:
    data = tomllib.loads((ROOT / "states/definitions/gongfu-pilot-1.toml").read_text("utf-8"))
    events = {arrow["event"] for arrow in data["transitions"]}
    # These words are ordinary English too; the others can only mean the programme's state or event.
    names = (set(data["states"]) | events) - {
        "draft",
        "applied",
        "closed",
        "removed",
        "submit",
        "publish",
        "object",
        "close",
    }
    names -= {
        "refuse",
        "recommend",
        "withdraw",
        "waive",
        "extend",
        "suspend",
        "resume",
        "reopen",
        "revoke",
        "returned",
        "lapse",
    }
    names -= {"terminate", "refused", "reviewed", "published", "withdrawn", "revoked"}
    found = []
    for path in sources():
        tree = ast.parse(path.read_text("utf-8"))
        found += [
            f"{named(path)}:{node.lineno} {node.value}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and node.value in names
        ]
    assert found == []


def test_the_verifier_can_be_read_in_an_afternoon_and_needs_nothing_of_ours() -> None:
    text = (ROOT / VERIFIER).read_text("utf-8")
    assert len([line for line in text.splitlines() if line.strip()]) <= 730
    imported = {
        (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name or "").split(".")[0]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert imported - sys.stdlib_module_names == {"cryptography"}


def test_files_and_functions_fit_a_reader() -> None:
    long_files, long_functions = [], []
    for path in sources():
        text = path.read_text("utf-8")
        if "migrations/versions" not in named(path) and named(path) != VERIFIER and text.count("\n") > 400:
            long_files.append(named(path))
        if "migrations/versions" in named(path):
            continue
        long_functions += [
            f"{named(path)}:{node.name}"
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (node.end_lineno or 0) - node.lineno > 60
        ]
    assert (long_files, long_functions) == ([], [])


def test_every_module_says_what_it_owns() -> None:
    silent = [
        named(path)
        for path in sources()
        if path.read_text("utf-8").strip() and not ast.get_docstring(ast.parse(path.read_text("utf-8")))
    ]
    assert silent == []


def test_every_public_function_and_class_has_a_docstring() -> None:
    silent = []
    for path in sources():
        if "migrations/" in named(path) or named(path) == VERIFIER:
            continue
        for node in ast.parse(path.read_text("utf-8")).body:
            public = isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
            if public and not ast.get_docstring(node):
                silent.append(f"{named(path)}:{node.name}")
    assert silent == []


@pytest.mark.parametrize("lock", sorted(path.name for path in ROOT.glob("*.lock")))
def test_locks_hold_hashes_and_no_addresses(lock: str) -> None:
    text = (ROOT / lock).read_text("utf-8")
    assert "://" not in text
    pins = re.findall(r"^[a-z0-9][^\s=]*==", text, re.MULTILINE)
    blocks = re.split(r"\n(?=[a-z0-9])", text.strip())
    assert len(pins) == len(blocks)
    assert [block.split("==")[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_no_file_names_a_place_of_this_machine() -> None:
    places = re.compile(re.escape(str(ROOT)) + r"(?![\w-])" if len(str(ROOT)) > 3 else r"$^")
    found = [
        named(path)
        for pattern in ("*.md", "docs/**/*.md", "*.toml", "Makefile", ".ci/*", "states/**/*.toml")
        for path in ROOT.glob(pattern)
        if path.is_file() and places.search(path.read_text("utf-8"))
    ]
    assert found == []


def test_every_problem_code_has_a_page() -> None:
    codes = {kind.code for kind in kinds_of(Refusal)} - {"refused"}
    written = {path.stem for path in (ROOT / "docs/problems").glob("*.md")}
    assert codes - written == set()


def test_generated_pages_are_fresh() -> None:
    assert [named(path) for path, text in pages().items() if path.read_text("utf-8") != text] == []
