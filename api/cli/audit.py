"""Commands about the audit log's seal: the sealer itself, its last checkpoint, its keys, the tree held against the log.

The sealer runs apart from the service, for it alone needs the log's private key; where the database is embedded the
server's clock seals.
"""

import json
import signal
import sqlite3
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from time import monotonic
from typing import Annotated, Any

import psycopg
import typer
from rich.console import Console

from api.cli import auditing, bundles, drifts, exports
from api.cli.keys import keys
from api.cli.output import REFUSED, emit, escape, usage
from api.cli.people import AsJson
from api.cli.redactions import disclose, redactions
from api.cli.seal import log_key, refuse, saying
from api.cli.session import now, open_session
from lifecycle import schema
from lifecycle.database import Database, open_database
from lifecycle.seal.ends import tell_heads
from lifecycle.seal.examination import Problem
from lifecycle.seal.heads import origin_of
from lifecycle.seal.inspection import inspect
from lifecycle.seal.merkle import SHA256
from lifecycle.seal.pending import lost, requeue
from lifecycle.seal.sealer import Sealed, SealTerms, seal_all, seal_once, terms_of
from lifecycle.seal.state import SealerBusy, checkpoint_now, state_file
from lifecycle.settings import Settings
from lifecycle.signing import FileSigner, load_or_create_signer
from states.findings import Text

audit = typer.Typer(help="留痕封存 / the audit log's seal", no_args_is_help=True)
audit.add_typer(keys, name="keys")
audit.command("bundle")(bundles.bundle)
audit.command("export")(exports.export)
audit.command("verifier")(bundles.verifier)
audit.command("verify")(bundles.verify)
audit.command("witness")(bundles.witness)
audit.command("restore-drill")(bundles.restore_drill)
audit.command("report")(auditing.report)
audit.command("drift")(drifts.drift)
audit.command("disclose")(disclose)
audit.add_typer(redactions, name="redactions")

EVERY = 1.0  # seconds between two passes where nothing waits
SWEEP = 3600.0  # seconds between two searches for entries that are neither sealed nor pending
TOLD = 20  # problems that are printed at once


@audit.command("seal")
def seal(
    once: Annotated[bool, typer.Option("--once", help="封存现有记录后即结束 / seal what there is and end")] = False,
    as_json: AsJson = False,
) -> None:
    """每秒封存一次，直到被要求停止 / seal every second until told to end; exit code 1 on a halt or a problem."""
    settings, database, terms = _open()
    with saying(as_json):
        signer = load_or_create_signer(settings.log_key)
        if not once:
            _run(database, signer, terms, as_json)
            return
        sealed = seal_all(database, signer, terms, now)
    emit(sealed.to_dict(), as_json, lambda console: _print(console, [_summary(sealed), *_told(sealed.problems)]))
    if sealed.problems:
        raise typer.Exit(REFUSED)


@audit.command("checkpoint")
def checkpoint(
    suite: Annotated[str, typer.Option(help="哈希算法 sha256 或 sm3 / the tree's suite")] = SHA256.name,
    as_json: AsJson = False,
) -> None:
    """显示最近签署的检查点，可抄录留存 / print the last signed checkpoint; copy its size and root and keep them."""
    settings = Settings()
    with saying(as_json):
        terms = terms_of(settings)
        found = next((one for one in terms.suites if one.name == suite), None)
        if found is None:
            usage(f"未启用{suite}", f"the suite {suite} is not switched on")
        origin, key = origin_of(settings.origin, found), log_key(settings).public_key
        signed = checkpoint_now(state_file(settings.seal_state, found), origin, key)
    if signed is None:
        refuse(Text("尚未签署检查点", "no checkpoint was signed yet"), as_json)
    answer = {
        **{"origin": signed.head.origin, "size": signed.head.size, "root": signed.head.root.hex()},
        **{"signed_at": signed.signed_at, "note": signed.note.to_bytes().decode()},
    }
    if as_json:
        emit(answer, as_json, None)
    else:
        sys.stdout.write(str(answer["note"]))  # exactly the note, to be kept as a file


@audit.command("inspect")
def inspect_log(
    again: Annotated[bool, typer.Option("--requeue", help="将漏封的记录放回队列 / put lost entries back")] = False,
    as_json: AsJson = False,
) -> None:
    """逐条核对封存树与记录 / hold the sealed tree against every entry; exit code 1 where something was changed."""
    _, database, terms = _open()
    with database.reading() as tx:
        found = {suite.name: inspect(tx, suite) for suite in terms.suites}
    problems = [problem for one in found.values() for problem in one.problems]
    if again and problems:
        with database.transaction() as tx:
            requeue(tx, problems)
    answer = {
        "trees": {name: {"size": one.size, "root": one.root.hex()} for name, one in found.items()},
        "problems": [problem.to_dict() for problem in problems],
    }

    trees = [f"{name}: {one.size}条 entries, {one.root.hex()}" for name, one in found.items()]
    emit(answer, as_json, lambda console: _print(console, [*trees, *_told(problems)]))
    if problems:
        raise typer.Exit(REFUSED)


def _open() -> tuple[Settings, Database, SealTerms]:
    settings = Settings()
    database = open_database(settings)
    if schema.current(database) != schema.newest():
        usage("数据库结构不是最新，请先运行 pilot migrate", "the schema is not the newest: run `pilot migrate` first")
    with saying(as_json=False):
        return settings, database, terms_of(settings)


def _run(database: Database, signer: FileSigner, terms: SealTerms, as_json: bool) -> None:
    """Seal until told to end. What may pass by itself (another sealer, a lost connection, a full disk) is told once."""
    ended, swept, waiting = threading.Event(), -SWEEP, ""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    more, known, gone = True, tuple[Problem, ...](), list[Problem]()
    while not ended.wait(0 if more else EVERY):
        more = False
        try:
            sealed = seal_once(database, signer, terms, now())
            if monotonic() - swept >= SWEEP:
                with database.reading() as tx:
                    gone = lost(tx)
                swept = monotonic()
        except (SealerBusy, OSError, psycopg.OperationalError, sqlite3.OperationalError) as error:
            if str(error) != waiting:
                waiting = str(error)
                _line({"waiting": waiting}, [f"等待 waiting: {waiting}"], as_json)
            continue
        more, waiting, found = sealed.more, "", replace(sealed, problems=(*sealed.problems, *gone))
        if found.signed or found.problems != known:
            news = [] if found.problems == known else _told(found.problems)
            _line(found.to_dict(), [_summary(found), *news], as_json)
        known = found.problems
    database.close()


def _summary(sealed: Sealed) -> str:
    return f"已封存 sealed: {sealed.size}（+{sealed.taken}） {sealed.root.hex()}"


def _told(problems: Sequence[Problem]) -> list[str]:
    lines = [f"[{problem.code}] {problem.text.zh} / {problem.text.en}" for problem in problems[:TOLD]]
    return lines + ([f"…… 另有{len(problems) - TOLD}处 more"] if len(problems) > TOLD else [])


def _print(console: Console, lines: Sequence[str]) -> None:
    console.print("\n".join(map(escape, lines)))


def _line(answer: dict[str, Any], lines: Sequence[str], as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
        sys.stdout.flush()
    else:
        _print(Console(soft_wrap=True), lines)


@audit.command("heads")
def heads(
    again: Annotated[bool, typer.Option("--again", help="当日已有也再写一条 / another one today")] = False,
    as_json: AsJson = False,
) -> None:
    """写入当日各留痕末条的汇总 / write the day's heads entry, which shows a missing tail; the clock does it daily."""
    session = open_session()
    receipt = tell_heads(session.database, session.log, session.caller(None), again=again)
    words = "已写入 written" if receipt else "当日已有 today's is there"
    emit({"receipt": receipt.to_dict() if receipt else None}, as_json, lambda console: console.print(words))
