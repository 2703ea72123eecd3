"""Commands about how people are reached: addresses, calendar feeds, tests, and what came back."""

from typing import Annotated, Any

import typer

from api.cli.output import clock, emit, escape, refusals, table, usage
from api.cli.people import AsJson, AsLogin
from api.cli.session import Session, open_session
from lifecycle import addresses as kept
from lifecycle import feeds as calendars
from lifecycle.attempts import attempt
from lifecycle.batches import find_batch
from lifecycle.callers import Caller
from lifecycle.trials import send_test
from lifecycle.watch import watch_jobs

addresses = typer.Typer(help="提醒地址 / addresses that reminders go to", no_args_is_help=True)
feeds = typer.Typer(help="日历订阅 / calendar feeds", no_args_is_help=True)
Channel = Annotated[str, typer.Argument(help="email、chat、sms、webhook")]
Login = Annotated[str | None, typer.Option("--login", help="他人登录名，限安全管理员 / another person's")]


@addresses.command("list")
def list_addresses(login: Login = None, as_login: AsLogin = None, as_json: AsJson = False) -> None:
    """提醒地址一览 / a person's addresses, with failures in a row."""
    session = open_session()
    with refusals(as_json):
        caller = _somebody(session, as_login)
        with session.database.reading() as tx:
            found = kept.list_addresses(tx, caller, login)
    columns = ("channel", "target", "digest", "failures", "last_error")
    emit(found, as_json, lambda console: table(console, columns, [[item[name] for name in columns] for item in found]))


@addresses.command("add")
def add_address(
    channel: Channel,
    target: Annotated[str, typer.Argument(help="邮箱、机器人或网关地址、回调地址 / mail address or URL")],
    digest: Annotated[bool, typer.Option("--digest", help="每日汇总一封 / one message a day")] = False,
    login: Login = None,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """登记地址；回调密钥只显示一次 / enter an address; a webhook's secret is shown once."""
    session = open_session()
    with refusals(as_json):
        caller = _somebody(session, as_login)
        with attempt(session.database, session.log, caller, ("user", caller.actor.id), "add_address") as tx:
            made = kept.add_address(
                tx, session.log, session.settings, caller, channel, target, digest=digest, login=login
            ).to_dict()
    secret = f"\n签名密钥 secret（只显示这一次 shown this once）: {made['secret']}" if made["secret"] else ""
    emit(made, as_json, lambda console: console.print(escape(f"已登记 entered: {channel} {made['target']}{secret}")))


@addresses.command("digest")
def choose_digest(
    channel: Channel,
    on: Annotated[bool, typer.Option("--on/--off", help="每日汇总 / one message a day")] = True,
    login: Login = None,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """选择每日汇总或逐条发送 / choose one message a day, or each at its time."""
    session = open_session()
    with refusals(as_json):
        caller = _somebody(session, as_login)
        with attempt(session.database, session.log, caller, ("user", caller.actor.id), "set_digest") as tx:
            kept.set_digest(tx, session.log, caller, channel, on, login=login)
    words = "每日汇总 one message a day" if on else "逐条发送 each at its time"
    emit({"channel": channel, "digest": on}, as_json, lambda console: console.print(f"{escape(channel)}: {words}"))


@addresses.command("end")
def end_address(channel: Channel, login: Login = None, as_login: AsLogin = None, as_json: AsJson = False) -> None:
    """停用地址 / end an address; what still waits for it is not sent."""
    session = open_session()
    with refusals(as_json):
        caller = _somebody(session, as_login)
        with attempt(session.database, session.log, caller, ("user", caller.actor.id), "end_address") as tx:
            kept.end_address(tx, session.log, caller, channel, login=login)
    emit({"ended": channel}, as_json, lambda console: console.print(f"已停用 ended: {escape(channel)}"))


@feeds.command("list")
def list_feeds(login: Login = None, as_login: AsLogin = None, as_json: AsJson = False) -> None:
    """日历订阅一览 / a person's feeds."""
    session = open_session()
    with refusals(as_json):
        caller = _somebody(session, as_login)
        with session.database.reading() as tx:
            found = calendars.list_feeds(tx, caller, login)
    columns = ("id", "label", "batch_id", "created_at")
    emit(found, as_json, lambda console: table(console, columns, [[item[name] for name in columns] for item in found]))


@feeds.command("add")
def add_feed(
    label: Annotated[str, typer.Argument(help="名称，如手机 / what it is for")],
    batch: Annotated[str | None, typer.Option("--batch", "-b", help="整个批次 / a whole batch's dates")] = None,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """建立日历订阅，地址只显示一次 / make a feed; its address is shown once."""
    session = open_session()
    with refusals(as_json):
        caller = _somebody(session, as_login)
        with attempt(session.database, session.log, caller, ("user", caller.actor.id), "add_feed") as tx:
            made = calendars.add_feed(tx, session.log, caller, label, batch)
    answer = {"id": made.id, "path": f"/api/v1/feeds/{made.secret}.ics"}
    words = f"{answer['path']}\n（只显示这一次 / shown this once; id {made.id}）"
    emit(answer, as_json, lambda console: console.print(escape(words)))


@feeds.command("revoke")
def revoke_feed(feed: str, as_login: AsLogin = None, as_json: AsJson = False) -> None:
    """撤销日历订阅 / revoke a feed."""
    session = open_session()
    with refusals(as_json):
        caller = _somebody(session, as_login)
        with attempt(session.database, session.log, caller, ("user", caller.actor.id), "revoke_feed") as tx:
            calendars.revoke_feed(tx, session.log, caller, feed.lower())
    emit({"revoked": feed}, as_json, lambda console: console.print(f"已撤销 revoked: {escape(feed)}"))


def try_ways(
    batch: Annotated[str, typer.Option("--batch", "-b", help="批次代码 / batch code")],
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """向本人各地址发送测试 / send oneself a test over each address; the clock carries it out."""
    session = open_session()
    with refusals(as_json):
        caller = _somebody(session, as_login)
        with session.database.reading() as tx:
            row = find_batch(tx, batch)
        with attempt(session.database, session.log, caller, ("user", caller.actor.id), "send_test") as tx:
            made = send_test(tx, session.log, caller, row).to_dict()
    channels = "、".join(made["notices"])
    emit(made, as_json, lambda console: console.print(f"测试已列入发送 a test is under way: {channels}"))


def bounce(
    message: Annotated[str, typer.Argument(help="消息标识 / id of the message")],
    reason: Annotated[str, typer.Option("--reason", help="对方的说法 / what the other side said")],
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """登记退信 / record that a message which was sent came back."""
    session, name = open_session(), message.lower()
    with refusals(as_json):
        caller = session.caller(as_login)
        with attempt(session.database, session.log, caller, ("message", name), "bounce") as tx:
            failed = kept.note_bounce(tx, session.log, caller, name, reason)
    answer: dict[str, Any] = {"message": name, "failed": failed}
    emit(answer, as_json, lambda console: console.print(f"已登记退信 recorded; 涉及提醒 notices: {failed}"))


def list_jobs(as_login: AsLogin = None, as_json: AsJson = False) -> None:
    """定时作业 / the clock's jobs: when each last went well, and whether it is late."""
    session = open_session()
    with refusals(as_json):
        caller = session.caller(as_login)
        with session.database.reading() as tx:
            found = watch_jobs(tx, caller)
    columns = ("作业 name", "逾时 late", "最近成功 succeeded", "次数 runs", "失败 failures", "最近错误 error")
    rows = [
        (item["name"], item["late"], clock(item["succeeded_at"]), item["runs"], item["failures"], item["last_error"])
        for item in found
    ]
    emit(found, as_json, lambda console: table(console, columns, rows))


def _somebody(session: Session, login: str | None) -> Caller:
    """Return a caller who is a person: addresses and feeds are somebody's own."""
    if login is None:
        usage("地址、订阅属于个人，须用 --as 指明登录名", "addresses and feeds are somebody's own: name them with --as")
    return session.caller(login)
