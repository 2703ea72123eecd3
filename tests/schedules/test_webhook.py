"""Webhooks: what a real receiver gets and can check, what its answers mean, and where none may go."""

import base64
import hashlib
import hmac
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from ipaddress import ip_address

import orjson
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from lifecycle.settings import Settings
from schedules.channels import senders
from schedules.channels.posting import is_public
from schedules.parcels import Parcel, Result
from schedules.wording import SAMPLE, Item, parcel
from states.library import bundled_plans
from tests.schedules.servers import Receiver, http_receiver

AT = datetime(2025, 2, 18, 1, 0, 0, 250_000, tzinfo=UTC)
MESSAGE = "0195a1f0-0000-7000-8000-000000000001"
KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
PLAN = bundled_plans()["gongfu-reminders/1"][0]
ITEM = Item("before", SAMPLE, "p1-half_year_ends-1", date(2025, 2, 28), 7, "w-7")
INSIDE = Settings(webhook_private=True, send_timeout_s=5)


def letter(target: str, at: datetime = AT) -> Parcel:
    return parcel(MESSAGE, "webhook", target, SECRET, [ITEM], PLAN, "test.invalid/log", at)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with http_receiver() as opened:
        yield opened


def test_a_receiver_gets_the_data_with_a_signature_that_anybody_can_compute(receiver: Receiver) -> None:
    assert senders(INSIDE)(letter(f"{receiver.url}/hook?a=1")) == Result("sent")
    (got,) = receiver.requests
    assert got.path == "/hook?a=1"
    assert {name: got.headers[name] for name in ("content-type", "webhook-id", "webhook-timestamp")} == {
        "content-type": "application/json",
        "webhook-id": MESSAGE,
        "webhook-timestamp": "1739840400",
    }
    signed = hmac.new(KEY, f"{MESSAGE}.1739840400.".encode() + got.body, hashlib.sha256).digest()
    assert got.headers["webhook-signature"] == "v1," + base64.b64encode(signed).decode()
    assert orjson.loads(got.body) == {
        "type": "reminder.before",
        "timestamp": "2025-02-18T01:00:00Z",
        "data": {
            "id": MESSAGE,
            "subject": {
                "zh": "【提醒】半年期验收截止还有7天：示例项目",
                "en": "Reminder: 半年期验收截止 – 示例-00001, in 7 days",
            },
            "items": [
                {
                    "kind": "before",
                    "occasion": "w-7",
                    "checkpoint_uid": "p1-half_year_ends-1",
                    "due_on": "2025-02-28",
                    "provisional": False,
                    "late": False,
                    "code": "示例-00001",
                    "title": "示例项目",
                    "lead": "示例单位",
                    "city": "济南",
                    "state": "已公布（实施中）",
                    "event": "公布",
                    "checkpoint": "半年期验收截止",
                    "days": "7",
                    "overdue_days": "3",
                }
            ],
        },
    }


def test_the_convention_s_own_library_accepts_it_and_refuses_a_changed_body(receiver: Receiver) -> None:
    senders(INSIDE)(letter(receiver.url, datetime.now(UTC)))  # the library looks at its own clock
    (got,) = receiver.requests
    assert Webhook(SECRET).verify(got.body, got.headers) == orjson.loads(got.body)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(got.body.replace(b"before", b"after!"), got.headers)


def test_sent_again_it_has_the_same_id(receiver: Receiver) -> None:
    for _ in range(2):
        senders(INSIDE)(letter(receiver.url))
    assert [got.headers["webhook-id"] for got in receiver.requests] == [MESSAGE] * 2


STATUSES = {200: "sent", 201: "sent", 204: "sent", 301: "later", 302: "later", 307: "later", 400: "later"}
STATUSES |= {401: "later", 404: "later", 410: "never", 413: "later", 429: "later", 500: "later", 503: "later"}


@pytest.mark.parametrize("status", STATUSES)
def test_only_gone_is_for_good(receiver: Receiver, status: int) -> None:
    receiver.answer = (status, b"" if status == 204 else b"secret of the house", {"location": "/elsewhere"})
    result = senders(INSIDE)(letter(receiver.url))
    assert (result.outcome, len(receiver.requests)) == (STATUSES[status], 1)  # no redirect was followed
    said = f"回调地址答复{status} / the webhook answered {status}"
    assert result.error == (None if result.outcome == "sent" else said)


def test_a_receiver_that_is_not_there_is_tried_again() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        result = senders(INSIDE)(letter(f"http://127.0.0.1:{held.getsockname()[1]}/"))
    assert result.outcome == "later"


def test_a_receiver_that_dribbles_holds_nobody_up() -> None:
    """Each octet comes well within any one read's limit; only a limit on the whole ends it."""
    done = threading.Event()

    def dribble(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nx-slow: ")
            while not done.wait(0.02):
                try:
                    connection.sendall(b"a")
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=dribble, args=(server,))
        thread.start()
        try:
            hurried = INSIDE.model_copy(update={"send_timeout_s": 0.2})
            result = senders(hurried)(letter(f"http://127.0.0.1:{server.getsockname()[1]}/"))
        finally:
            done.set()
            thread.join()
    assert result.outcome == "later"


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost", "10.1.2.3", "169.254.169.254", "0.0.0.0"])
def test_an_address_inside_the_house_is_not_sent_to(host: str) -> None:
    result = senders(Settings())(letter(f"https://{host}/latest/meta-data"))
    assert result == Result("never", "回调地址不是公网地址 / the webhook's address is not public")


@pytest.mark.parametrize("target", ["http://example.cn/", "https://u:p@example.cn/", "ftp://example.cn", "file:///etc"])
def test_what_is_no_webhook_s_address_is_never_sent_to(target: str) -> None:
    assert senders(Settings())(letter(target)).outcome == "never"


def test_a_webhook_without_its_secret_is_never_sent_to(receiver: Receiver) -> None:
    result = senders(INSIDE)(replace(letter(receiver.url), secret=None))
    assert (result.outcome, receiver.requests) == ("never", [])


ADDRESSES = {
    "8.8.8.8": True,
    "2606:4700::1111": True,
    "192.168.1.1": False,
    "100.64.0.1": False,  # carrier's own
    "224.0.0.1": False,
    "255.255.255.255": False,
    "fe80::1": False,
    "fc00::1": False,
    "ff02::1": False,
    "::ffff:10.0.0.1": False,  # IPv4 wrapped in IPv6, in four ways
    "::ffff:8.8.8.8": True,
    "2002:0a00:0001::": False,
    "64:ff9b::a00:1": False,
    "64:ff9b::808:808": True,
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_public_is_what_the_internet_can_reach(address: str) -> None:
    assert is_public(ip_address(address)) is ADDRESSES[address]
