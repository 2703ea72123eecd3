"""Commands about people and their tokens."""

from datetime import timedelta
from typing import Annotated

import typer

from api.cli.output import emit, refusals, table
from api.cli.session import open_session
from lifecycle.attempts import attempt
from lifecycle.people import NewPerson, add_person, add_token, list_people, revoke_token

users = typer.Typer(help="人员 / people", no_args_is_help=True)
tokens = typer.Typer(help="令牌 / bearer tokens", no_args_is_help=True)
AsLogin = Annotated[str | None, typer.Option("--as", help="以何人身份办理（登录名） / the login to act as")]
AsJson = Annotated[bool, typer.Option("--json", help="输出JSON / print JSON")]


@users.command("add")
def add_user(
    login: str,
    name: Annotated[str, typer.Option(help="姓名 / name")],
    role: Annotated[str, typer.Option(help="角色代码 / role code")],
    city: Annotated[str | None, typer.Option(help="六位城市代码 / city code")] = None,
    unit: Annotated[str | None, typer.Option(help="统一社会信用代码 / credit code")] = None,
    group: Annotated[str | None, typer.Option(help="专家单位所属集团 / group of an expert's unit")] = None,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """登记人员 / enter a person."""
    session = open_session()
    with refusals(as_json):
        caller = session.caller(as_login)
        with attempt(session.database, session.log, caller, ("system", "people"), "add_person") as tx:
            person = add_person(tx, session.log, caller, NewPerson(login, name, role, city, unit, group))
    answer = {"id": person, "login": login, "role": role}
    emit(answer, as_json, lambda console: console.print(f"已登记 entered: {login} ({role}) {person}"))


@users.command("list")
def list_users(as_json: AsJson = False) -> None:
    """人员一览 / all people."""
    session = open_session()
    with session.database.reading() as tx:
        rows = list_people(tx)
    columns = ("login", "name", "role", "city", "unit", "group", "active")
    emit(rows, as_json, lambda console: table(console, columns, [[row[c] for c in columns] for row in rows]))


@tokens.command("add")
def add_bearer(
    login: str,
    label: Annotated[str, typer.Option(help="用途 / what it is for")] = "cli",
    days: Annotated[int | None, typer.Option(help="有效天数 / days until it expires", min=1, max=3650)] = 365,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """发放令牌，只显示一次 / make a token; it is shown once."""
    session = open_session()
    with refusals(as_json):
        caller = session.caller(as_login)
        expires = caller.now + timedelta(days=days) if days else None
        with attempt(session.database, session.log, caller, ("system", "people"), "add_token") as tx:
            token, secret = add_token(tx, session.log, caller, login, label, expires)
    answer = {"id": token, "login": login, "token": secret}
    emit(answer, as_json, lambda console: console.print(f"{secret}\n（只显示这一次 / shown this once; id {token}）"))


@tokens.command("revoke")
def revoke_bearer(token: str, as_login: AsLogin = None, as_json: AsJson = False) -> None:
    """吊销令牌 / revoke a token."""
    session = open_session()
    with refusals(as_json):
        caller = session.caller(as_login)
        with attempt(session.database, session.log, caller, ("system", "people"), "revoke_token") as tx:
            revoke_token(tx, session.log, caller, token)
    emit({"revoked": token}, as_json, lambda console: console.print(f"已吊销 revoked: {token}"))
