"""Where each rule is proved and each setting read: found in the sources, without importing what is read."""

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
TESTS = "tests/states"
READERS = ("states", "lifecycle", "schedules", "api")
JUDGE, VERDICT = "judge", "Judgement"
SETTING = re.compile(r"^(R\d\d|[a-z_]+)\.([a-z_]+)$")


class Proof(NamedTuple):
    """A test that holds a check to its verdict: where it is, what it says, and on which sides of the threshold."""

    check: str
    file: str
    test: str
    met: bool
    unmet: bool

    @property
    def sentence(self) -> str:
        """Return the test's name as the sentence it is, without the rule's number."""
        return re.sub(r"^test_(R\d\d_)?", "", self.test).replace("_", " ")


class Reader(NamedTuple):
    """A function that reads a setting of a batch."""

    section: str
    name: str
    file: str
    function: str


def proofs(checks: Iterable[str], root: Path = ROOT) -> list[Proof]:
    """Return the proofs of these checks, in the order of files and lines.

    A test proves the checks that it names to `judge`. Its sides are the verdicts that it compares with: `Judgement` or
    `.met` with True or False. A verdict under a name is what the test's tables and loops hold of True and False, and
    one that is reckoned stands for both.

    Raises:
        FileNotFoundError: there are no tests beside the sources: this is no clone.
    """
    known = frozenset(checks)
    folder = root / TESTS
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: the tests are read to say what is proved; run this in a clone")
    found: list[Proof] = []
    for path in sorted(folder.glob("test_*.py")):
        for test in _functions(path):
            if test.name.startswith("test_"):
                found += _proofs(known, str(path.relative_to(root)), test)
    return found


def _proofs(known: frozenset[str], file: str, test: ast.FunctionDef) -> Iterator[Proof]:
    names = {node.value for node in ast.walk(test) if isinstance(node, ast.Constant) and node.value in known}
    asks = any(isinstance(node, ast.Call) and _called(node) == JUDGE for node in ast.walk(test))
    sides = {side for node in ast.walk(test) for verdict in _verdicts(node) for side in _sides(verdict, test)}
    if asks and sides:
        met, unmet = True in sides, False in sides
        yield from (Proof(str(name), file, test.name, met, unmet) for name in sorted(map(str, names)))


def _verdicts(node: ast.AST) -> Iterator[ast.expr]:
    """Yield what stands where a node compares a verdict."""
    if isinstance(node, ast.Call) and _called(node) == VERDICT and node.args:
        yield node.args[0]
    elif isinstance(node, ast.Compare) and any(
        isinstance(one, ast.Attribute) and one.attr == "met" for one in ast.walk(node.left)
    ):
        yield from (one.elts[0] if isinstance(one, ast.Tuple) and one.elts else one for one in node.comparators)


def _sides(verdict: ast.expr, test: ast.FunctionDef) -> Iterator[bool]:
    """Yield the sides that a verdict may come to in a test."""
    if isinstance(verdict, ast.Constant):
        yield from (side for side in (True, False) if verdict.value is side)
    elif isinstance(verdict, ast.Name):
        tables = [*test.decorator_list, *(node.iter for node in ast.walk(test) if isinstance(node, ast.For))]
        held = [one.value for table in tables for one in ast.walk(table) if isinstance(one, ast.Constant)]
        yield from (side for side in (True, False) if any(value is side for value in held))
    else:
        yield from (True, False)


def readers(root: Path = ROOT) -> list[Reader]:
    """Return the functions of the packages that read settings by section and name, and the texts that name one."""
    found: list[Reader] = []
    for path in sorted(path for package in READERS for path in (root / package).rglob("*.py")):
        file = str(path.relative_to(root))
        for function in _functions(path):
            found += [Reader(*setting, file, function.name) for setting in sorted(set(_settings(function)))]
    return found


def _settings(function: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    aliases: dict[str, str] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            for target, value in _pairs(node):
                if isinstance(target, ast.Name) and isinstance(value, ast.Attribute):
                    aliases[target.id] = value.attr
    for node in ast.walk(function):
        if isinstance(node, ast.Attribute):
            holder = node.value
            if isinstance(holder, ast.Attribute):
                yield holder.attr, node.attr
            elif isinstance(holder, ast.Name) and holder.id in aliases:
                yield aliases[holder.id], node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and (named := SETTING.match(node.value)):
            yield named[1], named[2]


def _pairs(node: ast.Assign) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield what is assigned to what, also where several are at once."""
    for target in node.targets:
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            yield from zip(target.elts, node.value.elts, strict=False)
        else:
            yield target, node.value


@cache
def _functions(path: Path) -> tuple[ast.FunctionDef, ...]:
    tree = ast.parse(path.read_text("utf-8"))
    return tuple(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""
