"""Commands that run the service: bring the schema up, serve, install the demonstration batch."""

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from api.cli.output import emit, escape, refusals
from api.cli.people import AsJson
from api.cli.session import Session, now, open_session
from api.server import serve as run_server
from lifecycle import schema
from lifecycle.demonstration import DemonstrationReport, install_demonstration

TOKENS = "demo-tokens.txt"


def migrate(as_json: AsJson = False) -> None:
    """建立或更新数据库结构 / bring the database to the newest schema; harmless twice."""
    session = open_session(migrate=True)
    version = schema.current(session.database)
    emit({"schema": version}, as_json, lambda console: console.print(f"数据库结构 schema: {version}"))


def serve(
    host: Annotated[str | None, typer.Option(help="监听地址 / address")] = None,
    port: Annotated[int | None, typer.Option(help="监听端口 / port", min=0, max=65535)] = None,
) -> None:
    """提供服务，直到被要求停止 / serve until told to end."""
    session = open_session()
    _serve(session, host, port)


def demo(
    with_server: Annotated[bool, typer.Option("--serve", help="随后提供服务 / then serve")] = False,
    port: Annotated[int | None, typer.Option(help="监听端口 / port", min=0, max=65535)] = None,
    as_json: AsJson = False,
) -> None:
    """装入演示批次（单位、名额、任务均为虚构） / install the demonstration batch; everything in it is invented."""
    session = open_session(migrate=True)
    with refusals(as_json):
        report = install_demonstration(session.database, session.log, now())
    path = session.settings.data_dir / TOKENS
    if report.tokens:
        _keep_tokens(path, report)
    emit(report.to_dict(), as_json, lambda console: _show(console, session, report, path))
    if with_server:
        _serve(session, None, port)


def _serve(session: Session, host: str | None, port: int | None) -> None:
    changed = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    session.database.close()
    console = Console(soft_wrap=True)
    run_server(
        session.settings.model_copy(update=changed),
        lambda address: console.print(f"服务地址 serving: {address}/healthz（Ctrl-C 停止 to stop）"),
    )


def _keep_tokens(path: Path, report: DemonstrationReport) -> None:
    """Write the demonstration's tokens where only their owner can read them; real tokens are never kept."""
    lines = [f"{login}\t{secret}\n" for login, secret in report.tokens.items()]
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.writelines(lines)


def _show(console: Console, session: Session, report: DemonstrationReport, path: Path) -> None:
    verb = "已装入 installed" if report.created else "已在库中 already there"
    count = sum(report.counts.values())
    console.print(escape(f"{verb}: {report.title}（{report.batch}），{count}个项目 projects"))
    console.print(
        escape(f"命令行 command line: .venv/bin/pilot projects --batch {report.batch}；pilot show <项目编号>")
    )
    if not path.exists():
        return
    roles = {person.login: person.role for person in report.people}
    tokens = [line.split("\t") for line in path.read_text("utf-8").splitlines()]
    first: dict[str, tuple[str, str]] = {}
    for login, secret in tokens:
        first.setdefault(roles.get(login, ""), (login, secret))
    console.print(
        f"登录 sign in: HTTP头 Authorization: Bearer <令牌 token>；全部令牌在 all tokens in {escape(str(path))}"
    )
    for role, (login, secret) in first.items():
        console.print(escape(f"  {role:15} {login:32} {secret}"))
    address = f"http://{session.settings.host}:{session.settings.port}/api/v1"
    bearer = f'curl -H "Authorization: Bearer {first["handler"][1] if "handler" in first else tokens[0][1]}"'
    console.print(escape(f'例如 for example:\n  {bearer} "{address}/projects?batch={report.batch}&limit=3"'))
    console.print(escape(f"接口说明 OpenAPI（同一令牌 same token）: {address}/openapi.json"))
