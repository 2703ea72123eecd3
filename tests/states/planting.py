"""Plants faults in the real definition's text, for the tests of the checker and the pictures."""

from importlib.resources import files
from typing import Any

from states.checker import Fault
from states.definition import LifecycleDefinition, read_definition

DEFINITION_TEXT = files("states").joinpath("definitions/gongfu-pilot-1.toml").read_text("utf-8")
POLICY_TEXT = files("states").joinpath("policies/sd-gongfu-2024-2.toml").read_text("utf-8")


def swap(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1, f"{text.count(old)} times: {old}"
    return text.replace(old, new)


def in_arrow(text: str, event: str, number: int, old: str, new: str) -> str:
    """Return the text with `old` replaced in the event's arrow of this number, counted from 1."""
    blocks = text.split("[[transitions]]")
    places = [place for place, block in enumerate(blocks) if f'event = "{event}"\n' in block]
    blocks[places[number - 1]] = swap(blocks[places[number - 1]], old, new)
    return "[[transitions]]".join(blocks)


def planted(*edits: tuple[Any, ...]) -> LifecycleDefinition:
    """Return the real definition with edits: (old, new), (event, number, old, new), or (text to append,)."""
    text = DEFINITION_TEXT
    for edit in edits:
        if len(edit) == 1:
            text += edit[0]
        else:
            text = swap(text, *edit) if len(edit) == 2 else in_arrow(text, *edit)
    return read_definition(text)


def found(faults: list[Fault]) -> list[tuple[str, str]]:
    return [(fault.code, fault.place) for fault in faults]


def a_state(code: str) -> str:
    return f'\n[states.{code}]\nphase = "exits"\nzh = "甲"\nen = "a"\n'


def an_arrow(event: str, source: str, target: str, more: str = "") -> str:
    head = f'\n[[transitions]]\nevent = "{event}"\nzh = "甲"\nen = "a"\nby = ["province"]\n'
    return f'{head}source = ["{source}"]\ntarget = "{target}"\n{more}\n'


def an_invariant(kind: str, more: str) -> str:
    return f'\n[[invariants]]\nname = "planted"\nzh = "甲"\nen = "a"\nkind = "{kind}"\n{more}\n'
