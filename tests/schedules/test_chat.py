"""Chat robots and SMS gateways: what reaches them, what their answers mean, and which addresses are refused."""

import base64
import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.settings import Settings
from schedules.channels import senders
from schedules.channels.robots import PARTS, parts_of
from schedules.parcels import Parcel, Result
from schedules.wording import SAMPLE, Item, parcel
from states.library import bundled_plans
from tests.schedules.servers import Receiver, http_receiver

AT = datetime(2025, 2, 18, 1, 0, tzinfo=UTC)
STAMP = 1739840400
MESSAGE = "0195a1f0-0000-7000-8000-000000000001"
PLAN = bundled_plans()["gongfu-reminders/1"][0]
ITEM = Item("before", SAMPLE, "p1-half_year_ends-1", date(2025, 2, 28), 7, "w-7")
ROBOTS = ("wecombot", "dingtalk", "feishu", "lark")


def letter(target: str, channel: str = "chat") -> Parcel:
    return parcel(MESSAGE, channel, target, None, [ITEM], PLAN, "test.invalid/log", AT)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with http_receiver() as opened:
        opened.answer = (200, b'{"errcode":0,"errmsg":"ok"}', {})
        yield opened


def at_home(receiver: Receiver) -> Settings:
    """Robots of one's own installation, and a gateway in one's own house."""
    kinds = ("smseagle",)
    return Settings(chat_hosts=dict.fromkeys(ROBOTS, receiver.url), sms_kinds=kinds, send_timeout_s=5)


def send(receiver: Receiver, target: str, channel: str = "chat") -> Result:
    return senders(at_home(receiver))(letter(target, channel))


def test_wecom_gets_the_text_at_its_robot_s_key(receiver: Receiver) -> None:
    assert send(receiver, "wecombot://693a-91f6") == Result("sent")
    (got,) = receiver.requests
    assert got.path == "/cgi-bin/webhook/send?key=693a-91f6"
    assert orjson.loads(got.body) == {"msgtype": "text", "text": {"content": letter("").text}}


def test_dingtalk_gets_a_signature_that_it_can_check(receiver: Receiver) -> None:
    assert send(receiver, "dingtalk://SECabc@token9/13800000000") == Result("sent")
    (got,) = receiver.requests
    query = parse_qs(urlsplit(got.path).query)
    signed = hmac.new(b"SECabc", f"{STAMP}000\nSECabc".encode(), hashlib.sha256).digest()
    assert urlsplit(got.path).path == "/robot/send"
    assert query == {
        "access_token": ["token9"],
        "timestamp": [f"{STAMP}000"],
        "sign": [base64.b64encode(signed).decode()],
    }
    assert orjson.loads(got.body) == {
        "msgtype": "text",
        "text": {"content": letter("").text},
        "at": {"atMobiles": ["13800000000"], "isAtAll": False},
    }


@pytest.mark.parametrize("kind", ["feishu", "lark"])
def test_feishu_gets_the_text_and_a_signature_where_the_robot_has_a_secret(receiver: Receiver, kind: str) -> None:
    receiver.answer = (200, b'{"code":0,"msg":"success","data":{}}', {})
    assert [send(receiver, f"{kind}://token9"), send(receiver, f"{kind}://s3cret@token9")] == [Result("sent")] * 2
    plain, signed = [orjson.loads(got.body) for got in receiver.requests]
    sign = base64.b64encode(hmac.new(f"{STAMP}\ns3cret".encode(), b"", hashlib.sha256).digest()).decode()
    assert [got.path for got in receiver.requests] == ["/open-apis/bot/v2/hook/token9"] * 2
    assert plain == {"msg_type": "text", "content": {"text": letter("").text}}
    assert signed == {**plain, "timestamp": str(STAMP), "sign": sign}


REFUSED = {
    "too many messages": ("wecombot", 200, b'{"errcode":45009,"errmsg":"api freq out of limit"}', "later"),
    "the key is gone": ("wecombot", 200, b'{"errcode":93000,"errmsg":"invalid webhook url"}', "never"),
    "no keyword in it": ("dingtalk", 200, b'{"errcode":310000,"errmsg":"keywords not in content"}', "later"),
    "the token is gone": ("feishu", 200, b'{"code":19001,"msg":"param invalid"}', "never"),
    "a signature amiss": ("feishu", 200, b'{"code":19021,"msg":"sign match fail"}', "later"),
    "a login page": ("wecombot", 200, b"<html>please log in</html>", "later"),
    "no object": ("wecombot", 200, b"[1]", "later"),
    "nothing said of the outcome": ("wecombot", 200, b"{}", "later"),
    "the server is down": ("dingtalk", 502, b"Bad Gateway", "later"),
    "said to be well with another status": ("dingtalk", 500, b'{"errcode":0}', "later"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_robot_s_refusal_is_no_success_whatever_the_status(receiver: Receiver, case: str) -> None:
    kind, status, body, outcome = REFUSED[case]
    receiver.answer = (status, body, {})
    assert send(receiver, f"{kind}://token9").outcome == outcome


def test_a_robot_s_reason_is_told(receiver: Receiver) -> None:
    receiver.answer = (200, b'{"errcode":45009,"errmsg":"api freq\\n out of limit"}', {})
    assert send(receiver, "wecombot://k").error == "机器人拒收 / refused by the robot: 45009 api freq out of limit"


def test_a_gateway_gets_a_short_text(receiver: Receiver) -> None:
    """The one gateway of apprise that stands in one's own house, so that a test can be it."""
    receiver.answer = (200, b'{"result":[{"message_id":1,"status":"ok"}]}', {})
    host = urlsplit(receiver.url).netloc
    assert send(receiver, f"smseagle://token9@{host}/13800000000", "sms") == Result("sent")
    (got,) = receiver.requests
    sent = orjson.loads(got.body)["params"]
    assert (sent["to"], sent["message"]) == (
        "13800000000",
        f"【提醒】半年期验收截止还有7天：示例项目\n编号 {MESSAGE}",
    )


def test_a_gateway_s_no_is_tried_again_and_told_without_the_number(receiver: Receiver) -> None:
    receiver.answer = (401, b"{}", {})
    result = send(receiver, f"smseagle://token9@{urlsplit(receiver.url).netloc}/13800000000", "sms")
    assert (result.outcome, len(receiver.requests)) == ("later", 1)
    assert result.error is not None
    assert "error=401" in result.error
    assert "13800000000" not in result.error


def test_redirects_are_not_followed(receiver: Receiver) -> None:
    receiver.answer = (307, b"", {"location": f"{receiver.url}/elsewhere"})
    assert send(receiver, f"smseagle://token9@{urlsplit(receiver.url).netloc}/13800000000", "sms").outcome == "later"
    assert send(receiver, "wecombot://k").outcome == "later"
    assert [urlsplit(got.path).path for got in receiver.requests] == ["/jsonrpc/sms", "/cgi-bin/webhook/send"]


NOT_SENT = ["json://127.0.0.1/", "file:///etc/passwd", "syslog://", "dbus://", "mailto://a:b@example.cn", "wecombot://"]
NOT_SENT += ["wecombot://key?verify=no", "feishu://key?optional=yes", "twilio://x", "apprise://127.0.0.1/k", "", "x"]
NOT_SENT += ["dingtalk://token9/13800000000/13900000000", "WECOMBOT://key", "smseagle://token9@127.0.0.1/13800000000"]


@pytest.mark.parametrize("target", NOT_SENT)
def test_what_is_not_allowed_is_never_sent_to(target: str) -> None:
    assert senders(Settings())(letter(target)).outcome == "never"
    assert senders(Settings())(letter(target, "sms")).outcome == "never"


def test_robots_are_no_gateways_and_gateways_no_robots() -> None:
    sns = "sns://AKIAAAAAA/secret/us-east-1/+8613800000000"
    assert senders(Settings())(letter(sns)).outcome == "never"
    assert senders(Settings())(letter("wecombot://key", "sms")).outcome == "never"


def test_a_long_text_goes_in_parts_that_each_carry_the_number(receiver: Receiver) -> None:
    lines = [f"{number}. 距半年期验收截止还有7天：产线数字化{number}" for number in range(200)]
    long = replace(letter("wecombot://k"), text="\n".join([*lines, "", f"编号 {MESSAGE}"]))
    assert senders(at_home(receiver))(long) == Result("sent")
    texts = [orjson.loads(got.body)["text"]["content"] for got in receiver.requests]
    assert [text.rpartition("\n")[2] for text in texts] == [f"（{part}/3）编号 {MESSAGE}" for part in (1, 2, 3)]
    assert max(len(text.encode()) for text in texts) <= 2048
    assert "……其余请见系统待办" in texts[2]


@given(text=st.text(max_size=3000), limit=st.integers(300, 2048))
def test_parts_keep_within_the_limit_and_lose_nothing_but_the_end(text: str, limit: int) -> None:
    parts = parts_of(f"{text}\n\n编号 {MESSAGE}", limit)
    assert len(parts) <= PARTS
    assert max(len(part.encode()) for part in parts) <= limit
    assert all(part.endswith(f"编号 {MESSAGE}") for part in parts)
    bodies = [part.rpartition("\n")[0] for part in parts]
    told = "".join("".join(bodies).replace("\n……其余请见系统待办", "").split())
    whole = "".join(text.split())
    assert whole.startswith(told)
    assert told == whole or "……其余请见系统待办" in bodies[-1]
