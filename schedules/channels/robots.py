"""Chat robots of WeCom, DingTalk, Feishu and Lark: one POST each, and what their answer really says.

Their URLs are read by apprise, their messages sent from here: the three answer a refusal (too many messages, a key
withdrawn, a signature amiss) with HTTP 200 and a code in the body, which apprise 2.2 takes for success; WeCom counts
bytes where apprise counts characters; and apprise quotes DingTalk's signature twice. Reminders would be lost unsaid.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import orjson

from lifecycle.settings import Settings
from schedules.channels.posting import NotPublic, Unreachable, post
from schedules.parcels import Parcel, Result
from schedules.wording import one_line

PARTS = 3  # a message is cut off after so many: the rest is in the person's own list
_MORE = "……其余请见系统待办"


@dataclass(frozen=True, slots=True)
class Robot:
    """One kind of robot. `gone` are the codes by which it says that the key no longer exists."""

    host: str
    bytes_a_message: int
    request: Callable[[Any, str, Parcel], tuple[str, dict[str, Any]]]  # service, text, parcel -> path, JSON
    gone: frozenset[int] = frozenset()


def send(settings: Settings, kind: str, service: Any, parcel: Parcel) -> Result:
    """Post a parcel's text and return what became of it; a long one goes in parts, each with the message's id.

    Raises nothing. Where a later part fails the whole message is tried again later.
    """
    robot = ROBOTS[kind]
    host = settings.chat_hosts.get(kind, robot.host).rstrip("/")
    for text in parts_of(parcel.text, robot.bytes_a_message):
        path, content = robot.request(service, text, parcel)
        try:
            answer = post(
                host + path,
                orjson.dumps(content),
                {"content-type": "application/json; charset=utf-8", "user-agent": "pilot"},
                settings.send_timeout_s,
                private=kind in settings.chat_hosts,
                read_body=True,
            )
        except (Unreachable, NotPublic) as error:
            return Result("later", f"机器人无应答 / the robot did not answer: {type(error).__name__}")
        result = judge(robot, answer.status, answer.body)
        if result.outcome != "sent":
            return result
    return Result("sent")


def judge(robot: Robot, status: int, body: bytes) -> Result:
    """Return what an answer means: `sent` only where the robot itself says so."""
    try:
        said = orjson.loads(body)
        code = next(said[name] for name in ("errcode", "code", "StatusCode") if name in said)
        reason = said.get("errmsg") or said.get("msg") or said.get("StatusMessage") or ""
    except (orjson.JSONDecodeError, StopIteration, TypeError, AttributeError):
        return Result("later", f"机器人答复无法识别 / the robot's answer cannot be read: {status}")
    if status == 200 and type(code) is int and code == 0:
        return Result("sent")
    error = one_line(f"机器人拒收 / refused by the robot: {code} {reason}")
    return Result("never" if type(code) is int and code in robot.gone else "later", error)


def parts_of(text: str, limit: int) -> list[str]:
    """Return a text as messages of at most `limit` bytes, cut at line breaks where possible, at most three.

    Each ends with the text's last line, the message's number, so that a repetition is known by any of them. The limit
    has room for that line and for a good deal more.
    """
    if len(text.encode()) <= limit:
        return [text]
    body, _, number = text.rpartition("\n")
    room = limit - len(f"\n{_MORE}\n（{PARTS}/{PARTS}）{number}".encode())
    pieces: list[str] = []
    for line in body.rstrip().split("\n"):
        for bit in _bits(line, room):
            if pieces and len(f"{pieces[-1]}\n{bit}".encode()) <= room:
                pieces[-1] += f"\n{bit}"
            else:
                pieces.append(bit)
    if len(pieces) > PARTS:
        pieces = [*pieces[: PARTS - 1], f"{pieces[PARTS - 1]}\n{_MORE}"]
    return [f"{piece}\n（{index}/{len(pieces)}）{number}" for index, piece in enumerate(pieces, 1)]


def _bits(line: str, room: int) -> list[str]:
    """Return a line in bits of at most so many bytes, no character torn."""
    bits, rest = [], line.encode()
    while len(rest) > room:
        bit = rest[:room].decode("utf-8", "ignore")
        bits.append(bit)
        rest = rest[len(bit.encode()) :]
    return [*bits, rest.decode()]


def _wecom(service: Any, text: str, _parcel: Parcel) -> tuple[str, dict[str, Any]]:
    path = f"/cgi-bin/webhook/send?key={quote(service.key, safe='')}"
    return path, {"msgtype": "text", "text": {"content": text}}


def _dingtalk(service: Any, text: str, parcel: Parcel) -> tuple[str, dict[str, Any]]:
    query = {"access_token": service.token}
    if service.secret and parcel.at:
        stamp = str(int(parcel.at.timestamp() * 1000))
        query |= {"timestamp": stamp, "sign": _signed(service.secret.encode(), f"{stamp}\n{service.secret}".encode())}
    content = {"msgtype": "text", "text": {"content": text}, "at": {"atMobiles": service.targets, "isAtAll": False}}
    return f"/robot/send?{urlencode(query)}", content


def _feishu(service: Any, text: str, parcel: Parcel) -> tuple[str, dict[str, Any]]:
    content: dict[str, Any] = {"msg_type": "text", "content": {"text": text}}
    if service.user and parcel.at:  # feishu://secret@token: the secret of a robot that asks for signatures
        stamp = str(int(parcel.at.timestamp()))
        content |= {"timestamp": stamp, "sign": _signed(f"{stamp}\n{service.user}".encode(), b"")}
    return f"/open-apis/bot/v2/hook/{quote(service.token, safe='')}", content


def _signed(key: bytes, message: bytes) -> str:
    return base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode()


ROBOTS: Mapping[str, Robot] = {
    "wecombot": Robot("https://qyapi.weixin.qq.com", 2048, _wecom, frozenset({93000})),
    "dingtalk": Robot("https://oapi.dingtalk.com", 18_000, _dingtalk),
    "feishu": Robot("https://open.feishu.cn", 18_000, _feishu, frozenset({19001})),
    "lark": Robot("https://open.larksuite.com", 18_000, _feishu, frozenset({19001})),
}
