"""Owns the pictures of a lifecycle: Mermaid text and a standalone SVG, the same bytes for the same definition."""

import re
from html import escape

from states.definition import SAME, Labelled, LifecycleDefinition, Transition
from states.layout import BOX_HEIGHT, BOX_WIDTH, MARGIN, Layout, Pair, pairs_of, phases_of

FILLS = ("#e8f1fb", "#e9f6ec", "#fdf3dc", "#f3ebfa", "#e4f5f5", "#fbe9ef", "#eef2d8", "#eeeeee")
FORWARD, ENDING, BACKWARD = "#2f5d8a", "#a8505a", "#8a6a1f"
WORDS = {
    "zh": {
        "current": "当前状态",
        "keeps": "不改变状态的操作",
        "final": "终态",
        "legend": "蓝：前进；红：进入终态（双框）；虚线：退回",
    },
    "en": {
        "current": "current state",
        "keeps": "acts that keep the state",
        "final": "final",
        "legend": "blue: onward; red: to a final state (double border); dashed: back",
    },
}
RESERVED = frozenset({"class", "classdef", "direction", "end", "note", "state", "style", "default", "hide", "scale"})
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NOT_MERMAID = re.compile(r"[\x21-\x27*+:;<=>?@\[\\\]^`{|}~]")


def mermaid(definition: LifecycleDefinition, lang: str = "zh") -> str:
    """Return the lifecycle as a Mermaid `stateDiagram-v2`: one line an arrow, phases as colours.

    Acts that keep the state are listed in comments. Phases are classes: Mermaid draws no arrow from within one
    composite state into another.
    """
    lines = ["stateDiagram-v2", "    direction LR"]
    for code, state in definition.states.items():
        lines.append(f'    state "{_plain(_label(state, lang))} {code}" as {_id(code)}')
    lines.append(f"    [*] --> {_id(definition.definition.initial)}")
    for (source, target), arrows in pairs_of(definition).items():
        lines.append(f"    {_id(source)} --> {_id(target)} : {_plain(' / '.join(_events(arrows, lang)))}")
    lines += [f"    {_id(code)} --> [*]" for code, state in definition.states.items() if state.final]
    for number, phase in enumerate(phases_of(definition)):
        members = ",".join(_id(code) for code, state in definition.states.items() if state.phase == phase)
        lines.append(f"    classDef phase_{phase} fill:{FILLS[number % len(FILLS)]},stroke:#555")
        if members:
            lines.append(f"    class {members} phase_{phase}")
    keeps = [arrow for arrow in definition.transitions if arrow.target == SAME]
    lines += [f"    %% {WORDS[lang]['keeps']}: {_plain(event)}" for event in _events(keeps, lang)]
    return "\n".join(lines) + "\n"


def svg(definition: LifecycleDefinition, lang: str = "zh", current: str | None = None) -> str:
    """Return the lifecycle as an SVG: a column a phase, arrows named on hover, `current` marked.

    Arrows over more than one column run in lanes below the boxes, or above them when they lead back; arrows to one
    state share its lane.
    """
    layout = Layout(definition)
    width, height = layout.size
    name = f"{_label(definition.definition, lang)} · {definition.name}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" version="1.1" width="{width}" height="{height}"'
        f" viewBox=\"0 0 {width} {height}\" font-family=\"'Noto Sans CJK SC', 'Microsoft YaHei', sans-serif\">",
        f"<title>{_xml(name)}</title>",
        f"<desc>{len(definition.states)} states, {len(layout.pairs)} arrows, {definition.hash}</desc>",
        "<defs>",
        *(_marker(kind, colour) for kind, colour in _COLOURS.items()),
        "</defs>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        *(_heading(layout, number, phase, lang) for number, phase in enumerate(layout.phases)),
        *(_edge(layout, pair, lang) for pair in layout.pairs),
        *(_node(layout, code, lang, code == current) for code in definition.states),
        _text(MARGIN, height - 10, WORDS[lang]["legend"], 12, "#555555", "start"),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


_COLOURS = {"forward": FORWARD, "ending": ENDING, "backward": BACKWARD}


def _label(thing: Labelled, lang: str) -> str:
    return thing.en if lang == "en" else thing.zh


def _events(arrows: list[Transition], lang: str) -> list[str]:
    return list(dict.fromkeys(f"{_label(arrow, lang)} {arrow.event}" for arrow in arrows))


def _id(code: str) -> str:
    return f"{code}_" if code in RESERVED else code


def _plain(text: str) -> str:
    """Return text that ends no Mermaid label and opens nothing."""
    return _NOT_MERMAID.sub(lambda found: f"#{ord(found.group())};", " ".join(_NOT_XML.sub(" ", text).split()))


def _xml(text: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", text))


def _marker(kind: str, colour: str) -> str:
    return (
        f'<marker id="arrow-{kind}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7"'
        f' orient="auto"><path d="M0,1 L9,5 L0,9 z" fill="{colour}"/></marker>'
    )


def _heading(layout: Layout, number: int, phase: str, lang: str) -> str:
    label = layout.definition.phases.get(phase)
    x = layout.left_of(number) + BOX_WIDTH // 2
    return _text(x, 34, _label(label, lang) if label else phase, 17, "#333333")


def _edge(layout: Layout, pair: Pair, lang: str) -> str:
    states, (source, target) = layout.definition.states, pair
    kind = "ending" if states[target].final else "backward" if layout.leads_back(pair) else "forward"
    dashes = ' stroke-dasharray="6 4"' if kind == "backward" else ""
    ends = f"{_label(states[source], lang)} → {_label(states[target], lang)}"
    title = f"{ends}: {' / '.join(_events(layout.pairs[pair], lang))}"
    return (
        f'<path class="edge {kind}" id="edge-{source}-{target}" d="{layout.path(pair)}" fill="none"'
        f' stroke="{_COLOURS[kind]}" stroke-width="1.6"{dashes} marker-end="url(#arrow-{kind})">'
        f"<title>{_xml(title)}</title></path>"
    )


def _node(layout: Layout, code: str, lang: str, current: bool) -> str:
    state, (x, y), words = layout.definition.states[code], layout.corner(code), WORDS[lang]
    keeps = [a for a in layout.definition.transitions if a.target == SAME and code in a.source]
    notes = [words["current"]] * current + [words["final"]] * state.final
    notes += [f"{words['keeps']}: {' / '.join(_events(keeps, lang))}"] * bool(keeps)
    fill, stroke, thick = FILLS[layout.cells[code][0] % len(FILLS)], "#555555", "1.2"
    if current:
        fill, stroke, thick = "#ffd54a", "#b3261e", "3.5"
    box = f'x="{x}" y="{y}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="8"'
    inner = f'x="{x + 4}" y="{y + 4}" width="{BOX_WIDTH - 8}" height="{BOX_HEIGHT - 8}" rx="5"'
    border = f'<rect {inner} fill="none" stroke="{stroke}" stroke-width="0.8"/>' if state.final else ""
    return (
        f'<g class="state{" current" * current}" id="state-{code}">'
        f"<title>{_xml('; '.join([f'{_label(state, lang)} {code}', *notes]))}</title>"
        f'<rect {box} fill="{fill}" stroke="{stroke}" stroke-width="{thick}"/>{border}'
        f"{_text(x + BOX_WIDTH // 2, y + 27, _label(state, lang), 15, '#111111')}"
        f"{_text(x + BOX_WIDTH // 2, y + 45, code, 11, '#555555')}</g>"
    )


def _text(x: int, y: int, text: str, size: int, colour: str, anchor: str = "middle") -> str:
    """Return a line of text, made smaller where it would not fit a box."""
    ems = sum(1 if ord(sign) > 0x2E7F else 0.62 for sign in text) or 1
    shown = size if anchor == "start" else min(size, (BOX_WIDTH - 14) / ems)
    return f'<text x="{x}" y="{y}" font-size="{shown:.3g}" text-anchor="{anchor}" fill="{colour}">{_xml(text)}</text>'
