"""Every refusal has a status and a page, and every page is used."""

import json
import re
from pathlib import Path

import pytest

from api.problems import EDGE_TITLES, STATUS, refusals, title_of
from lifecycle.errors import Refusal
from tests.api.conftest import Client, problem

PAGES = Path(__file__).parents[2] / "docs" / "problems"


def below(kind: type[Refusal]) -> list[type[Refusal]]:
    return [found for child in kind.__subclasses__() for found in (child, *below(child))]


def test_every_refusal_has_a_status() -> None:
    assert {kind.code for kind in below(Refusal)} | set(EDGE_TITLES) == set(STATUS)
    assert not set(EDGE_TITLES) & set(refusals())


def test_every_problem_has_a_page_and_every_page_a_problem() -> None:
    assert {page.stem for page in PAGES.glob("*.md")} == set(STATUS)


@pytest.mark.parametrize("code", sorted(STATUS))
def test_a_page_says_in_both_languages_what_why_and_what_to_do(code: str) -> None:
    text = (PAGES / f"{code}.md").read_text("utf-8")
    title = title_of(code)
    parts = [f"# {title.zh} / {title.en}", "发生了什么", "为什么", "怎么办", "What happened", "Why", "What to do"]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    found = re.search(r"```json\n(.*?)```", text, re.DOTALL)
    assert found is not None
    example = json.loads(found[1])
    assert (example["type"], example["status"]) == (f"/problems/{code}", STATUS[code])
    assert example["title"] == f"{title.zh} / {title.en}"
    assert example["detail"] == f"{example['message']['zh']} / {example['message']['en']}"


def test_pages_are_served_to_who_signed_in(client: Client) -> None:
    page = client.get("expert", "/problems/rules-unmet")
    assert (page.headers["content-type"], page.text) == (
        "text/markdown; charset=utf-8",
        (PAGES / "rules-unmet.md").read_text("utf-8"),
    )
    for name in ("nothing", "..%2F..%2FREADME", "rules-unmet.md"):
        problem(client.get("expert", f"/problems/{name}"), 404, "not-found")
