"""Commands for auditors: a bundle taken, the verifier written out, a bundle verified by that same file."""

import subprocess
import sys
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated

import typer

from api.cli.output import emit, refusals, usage
from api.cli.people import AsJson, AsLogin
from api.cli.session import open_session
from lifecycle.attempts import attempt
from lifecycle.seal.bundle import Order, make_bundle, record_bundle
from lifecycle.seal.bundle.making import verifier as source

VERIFIER = "verify_audit.py"


def bundle(
    out: Annotated[Path, typer.Option(help="写入的文件 / the file to write")],
    batch: Annotated[str | None, typer.Option(help="批次代码 / a batch")] = None,
    project: Annotated[str | None, typer.Option(help="项目编号 / a project, by id")] = None,
    since: Annotated[list[int] | None, typer.Option(help="抄录过的条数 / sizes copied earlier")] = None,
    view: Annotated[list[str] | None, typer.Option(help="表格，默认全部 / tables, all by default")] = None,
    disclosures: Annotated[bool, typer.Option(help="含承诺值对应的内容 / with the values of commitments")] = False,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """导出可离线核验的包 / write a bundle that can be verified offline: the whole log, a batch or a project."""
    if batch and project:
        usage("批次与项目只能选一", "choose a batch or a project")
    session = open_session()
    order = Order(
        "batch" if batch else "project" if project else "log",
        batch or project,
        tuple(since or ()),
        tuple(view) if view else None,
        disclosures,
    )
    with refusals(as_json):
        caller = session.caller(as_login)
        with attempt(session.database, session.log, caller, ("audit", order.kind), "take_bundle") as tx:
            made, receipt = record_bundle(tx, session.log, session.settings.tiles, caller, order)
    draft = out.with_name(f"{out.name}.part")
    with session.database.reading() as tx, draft.open("wb") as file:
        file.writelines(make_bundle(tx, made))
    draft.replace(out)
    answer = {
        **{"file": str(out), "bytes": out.stat().st_size, "size": made.head.size, "root": made.head.root.hex()},
        "receipt": receipt.to_dict(),
    }
    words = f"{out}: {made.head.size}条 entries, {made.head.root.hex()}"
    emit(answer, as_json, lambda console: console.print(words))


def verifier(out: Annotated[Path, typer.Option(help="写入的文件 / the file to write")] = Path(VERIFIER)) -> None:
    """写出核验程序（单个文件，不依赖本系统） / write the verifier: one file that needs nothing of ours."""
    out.write_bytes(source())
    print(out)


def verify(
    bundle_file: Annotated[Path, typer.Argument(metavar="BUNDLE", help="导出包 / the bundle")],
    policy: Annotated[Path, typer.Option(help="核验策略 / the auditor's own policy")],
    signatures: Annotated[str, typer.Option(help="all, none, or how many")] = "all",
    ed25519: Annotated[str, typer.Option(help="auto, cryptography, openssl")] = "auto",
) -> None:
    """以同一核验程序核验导出包 / verify a bundle by that same file; exit code 0 clean, 1 findings, 2 incomplete."""
    with as_file(files("lifecycle.seal.verifier").joinpath(VERIFIER)) as program:
        command = [sys.executable, str(program), str(bundle_file), "--policy", str(policy)]
        done = subprocess.run([*command, "--signatures", signatures, "--ed25519", ed25519], check=False)
    raise typer.Exit(done.returncode)
