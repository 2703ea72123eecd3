"""Values: data that never changes once it is made. The type checker sees to it, not the interpreter."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")

_layouts: dict[type, tuple[Callable[[Any], tuple[Any, ...]], dict[str, int]]] = {}  # one for each class


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[T]) -> type[T]:
    """Make a class of values: two fields or more, by position or name, compared and hashed by all of them.

    An act makes some thirty of them. Dataclasses that the interpreter itself freezes are four times as dear to make,
    for each field is set by a call; to assign to one of these is an error that mypy finds.
    """
    made = dataclass(slots=True, unsafe_hash=True)(cls)
    names = [item.name for item in fields(made)]  # type: ignore[arg-type]
    _layouts[made] = attrgetter(*names), {name: place for place, name in enumerate(names)}
    return made


def changed(one: T, **changes: Any) -> T:
    """Return the value with some fields changed, as `dataclasses.replace` does at three times the price."""
    read, places = _layouts[type(one)]
    values = list(read(one))
    for name, value in changes.items():
        values[places[name]] = value
    return type(one)(*values)
