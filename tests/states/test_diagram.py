"""Owns the proof that the pictures show every state and arrow once, and that no label breaks them."""

import re
from xml.etree import ElementTree

import pytest
from cases import DEFINITION
from planting import a_state, an_arrow, planted

from states.definition import LEFT, SAME, LifecycleDefinition
from states.diagram import mermaid, svg
from states.layout import BOX_HEIGHT, BOX_WIDTH, Layout

NASTY = "\"><script>alert(1)</script>& ' ; : # %% {} --> `x` | \\u0007 [*] end\\nnext"
SVG = "{http://www.w3.org/2000/svg}"
PAIRS = {
    (source, target)
    for arrow in DEFINITION.transitions
    for source in arrow.source
    for target in ({arrow.target} if arrow.target != LEFT else DEFINITION.returns_to(source))
    if target not in (SAME, source)
}


def drawn(definition: LifecycleDefinition, kind: str, **options: str) -> dict[str, ElementTree.Element]:
    """Return the picture's elements of a class by their id, and refuse a second of the same id."""
    elements = [
        element
        for element in ElementTree.fromstring(svg(definition, **options)).iter()
        if kind in element.get("class", "").split()
    ]
    assert len({element.get("id") for element in elements}) == len(elements)
    return {element.get("id", ""): element for element in elements}


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_svg_has_a_node_for_each_state_and_an_edge_for_each_pair_of_states(lang):
    assert set(drawn(DEFINITION, "state", lang=lang)) == {f"state-{code}" for code in DEFINITION.states}
    assert set(drawn(DEFINITION, "edge", lang=lang)) == {f"edge-{source}-{target}" for source, target in PAIRS}


def test_the_svg_stands_alone_and_names_itself_its_states_and_its_arrows():
    root = ElementTree.fromstring(svg(DEFINITION))
    assert (root.tag, root.get("version")) == (f"{SVG}svg", "1.1")
    assert [child.tag for child in root][:2] == [f"{SVG}title", f"{SVG}desc"]
    assert root[0].text == f"{DEFINITION.definition.zh} · gongfu-pilot/1"
    assert not [element for element in root.iter() if element.tag in (f"{SVG}script", f"{SVG}style", f"{SVG}image")]
    edge = drawn(DEFINITION, "edge")["edge-in_publicity-published"]
    assert edge[0].text == "公示中 → 已公布（实施中）: 公布 publish"
    node = drawn(DEFINITION, "state", lang="en")["state-rewarded"]
    assert node[0].text == "rewarded rewarded; acts that keep the state: record the payment record_payment"


def test_the_current_state_alone_is_marked():
    assert set(drawn(DEFINITION, "current", current="published")) == {"state-published"}
    assert drawn(DEFINITION, "current") == {}


def test_no_two_boxes_overlap_and_every_box_lies_within_the_picture():
    layout = Layout(DEFINITION)
    corners = [layout.corner(code) for code in DEFINITION.states]
    width, height = layout.size
    assert min(x for x, _ in corners) >= 0 and max(x for x, _ in corners) + BOX_WIDTH <= width
    assert min(y for _, y in corners) >= 0 and max(y for _, y in corners) + BOX_HEIGHT <= height
    assert all(
        abs(x - other_x) >= BOX_WIDTH or abs(y - other_y) >= BOX_HEIGHT
        for number, (x, y) in enumerate(corners)
        for other_x, other_y in corners[:number]
    )


def test_no_two_edges_run_the_same_way():
    paths = [edge.get("d") for edge in drawn(DEFINITION, "edge").values()]
    assert len(set(paths)) == len(PAIRS)


def test_the_mermaid_text_has_each_state_and_each_arrow_once():
    text = mermaid(DEFINITION)
    arrows = re.findall(r"^    (\w+) --> (\w+) : \S", text, re.MULTILINE)
    assert sorted(arrows) == sorted(PAIRS)
    assert re.findall(r'^    state "[^"]+ (\w+)" as \1$', text, re.MULTILINE) == list(DEFINITION.states)
    ends = re.findall(r"^    (\w+) --> \[\*\]$", text, re.MULTILINE)
    assert ends == [code for code, state in DEFINITION.states.items() if state.final]
    assert "    [*] --> draft\n" in text
    assert "    published --> half_year_evaluation : 申请半年期验收 apply_half_year\n" in text


def test_pictures_are_the_same_every_time():
    assert svg(DEFINITION) == svg(planted())
    assert mermaid(DEFINITION, "en") == mermaid(planted(), "en")


def test_a_nasty_label_stays_text_in_the_svg():
    definition = planted(('zh = "填报中"', f'zh = "{NASTY.replace(chr(34), chr(92) + chr(34), 1)}"'))
    shown = drawn(definition, "state")["state-draft"].findall(f"{SVG}text")[0].text
    assert shown == "\"><script>alert(1)</script>& ' ; : # %% {} --> `x` | \ufffd [*] end\nnext"
    assert len(drawn(definition, "edge")) == len(PAIRS)


def test_a_nasty_label_stays_one_label_in_mermaid():
    nasty = NASTY.replace('"', '\\"', 1)
    definition = planted((a_state("end"),), (an_arrow("nod", "draft", "end").replace("甲", nasty),))
    lines = [line for line in mermaid(definition).splitlines() if line.startswith("    draft --> end_ ")]
    [label] = [line.removeprefix("    draft --> end_ : ") for line in lines]
    assert re.sub(r"#\d+;", "", label) == "scriptalert(1)/script       -- x   end next nod"
    assert re.sub(r"#(\d+);", lambda code: chr(int(code.group(1))), label) == (
        "\"><script>alert(1)</script>& ' ; : # %% {} --> `x` | [*] end next nod"
    )
