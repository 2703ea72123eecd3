"""What a bundle says of itself: how to check it, and what every file, column and field means, in both languages."""

from importlib.resources import files

from lifecycle.exporting.events import ATTRIBUTES
from lifecycle.exporting.scope import Scope
from lifecycle.exporting.tables import COLUMNS
from lifecycle.seal.heads import TreeHead

KINDS = {"log": ("整个日志", "the whole log"), "batch": ("一个批次", "a batch"), "project": ("一个项目", "a project")}


def readme(head: TreeHead, scope: Scope, made_at: str) -> str:
    """Return the README of a bundle."""
    zh, en = KINDS[scope.kind]
    about = scope.code or ""
    return _text("README.md").format(
        origin=head.origin, zh=zh, en=en, about=about, size=head.size, root=head.root.hex(), made_at=made_at
    )


def dictionary() -> str:
    """Return the data dictionary."""
    told = {"columns": COLUMNS, "attributes": ATTRIBUTES}
    tables = {
        name: "\n".join(f"| `{one.code}` | {one.zh} | {one.told} |" for one in some)  # type: ignore[attr-defined]
        for name, some in told.items()
    }
    return _text("DICTIONARY.md").format(**tables)


def _text(name: str) -> str:
    return files("lifecycle.seal.bundle").joinpath(name).read_text("utf-8")
