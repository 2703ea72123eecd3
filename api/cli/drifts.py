"""The command that holds the log against the live rows."""

from typing import Annotated

import typer
from rich.console import Console

from api.cli.output import REFUSED, emit, table
from api.cli.people import AsJson, AsLogin
from api.cli.session import visiting
from lifecycle.batches import find_batch
from lifecycle.drifting import list_drift


def drift(
    batch: Annotated[str | None, typer.Option("--batch", "-b", help="批次代码，默认全部 / batch code, or all")] = None,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """以留痕还原并与现有数据核对 / hold the log against the live rows; exit code 1 where something drifts."""
    with visiting(as_login, as_json) as here, here.reading() as tx:
        found = list_drift(tx, here.caller, find_batch(tx, batch)["id"] if batch else None)

    def render(console: Console) -> None:
        rows = [(place, problem) for place, problems in found.items() for problem in problems]
        if rows:
            table(console, ("对象 subject", "差异 what differs"), rows)
        else:
            console.print("留痕与现有数据一致 the log and the live rows agree")

    emit({"drift": found}, as_json, render)
    if found:
        raise typer.Exit(REFUSED)
