"""Mail: what arrives at a real mail server, what its answers mean, and that no address can smuggle a header in."""

import socket
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from email import message_from_bytes
from email.policy import default
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from lifecycle.settings import Settings
from schedules.channels import senders
from schedules.channels.email import compose
from schedules.parcels import Parcel, Result
from schedules.wording import SAMPLE, Item, one_line, parcel
from states.library import bundled_plans
from tests.schedules.servers import Mailbox, mail_server

AT = datetime(2025, 2, 18, 1, 0, tzinfo=UTC)
MESSAGE = "0195a1f0-0000-7000-8000-000000000001"
PLAN = bundled_plans()["gongfu-reminders/1"][0]
ITEM = Item("before", {**SAMPLE, "title": "产线数字化<1>"}, "p1-half_year_ends-1", date(2025, 2, 28), 7, "w-7")
TO = "zhang.san@example.cn"


def letter(target: str = TO, **changes: Any) -> Parcel:
    return replace(parcel(MESSAGE, "email", target, None, [ITEM], PLAN, "test.invalid/log", AT), **changes)


def configured(port: int, **more: Any) -> Settings:
    given = {"smtp_security": "none", "mail_from": "试点管理 <pilot@example.gov.cn>", **more}
    return Settings(origin="test.invalid/log", smtp_host="127.0.0.1", smtp_port=port, send_timeout_s=5, **given)


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as opened:
        yield opened


def send(mailbox: Mailbox, given: Parcel | None = None, **more: Any) -> Result:
    return senders(configured(mailbox.port, **more))(given or letter())


def test_a_mail_arrives_with_both_texts_and_the_date_for_the_calendar(mailbox: Mailbox) -> None:
    assert send(mailbox) == Result("sent")
    (mail,) = mailbox.mails
    assert mailbox.senders == ["pilot@example.gov.cn"]
    assert mail["Message-ID"] == f"<{MESSAGE}@test.invalid>"
    assert parsedate_to_datetime(mail["Date"]) == AT
    assert (mail["From"], mail["To"]) == ("试点管理 <pilot@example.gov.cn>", TO)
    assert mail["Subject"] == letter().subject
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content_type() == "multipart/mixed"
    texts, calendar = mail.iter_parts()
    assert texts.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in texts.iter_parts()] == ["text/plain", "text/html"]
    assert [part.get_content_charset() for part in texts.iter_parts()] == ["utf-8", "utf-8"]
    assert [part.get_content().replace("\r\n", "\n").rstrip("\n") for part in texts.iter_parts()] == [
        letter().text,
        letter().html,
    ]
    assert calendar["Content-Type"].params == {"method": "PUBLISH", "charset": "utf-8"}
    assert (calendar.get_content_type(), calendar.get_filename()) == ("text/calendar", "dates.ics")
    (event,) = Calendar.from_ical(calendar.get_payload(decode=True)).events
    assert (event["UID"], event["SEQUENCE"]) == ("p1-half_year_ends-1@test.invalid", 7)
    assert event["DTSTART"].dt == date(2025, 2, 28)


def test_a_mail_that_is_sent_again_carries_the_same_id(mailbox: Mailbox) -> None:
    assert [send(mailbox), send(mailbox)] == [Result("sent")] * 2
    assert len({mail["Message-ID"] for mail in mailbox.mails}) == 1


ANSWERS = {
    "no such mailbox": ("at_rcpt", "550 5.1.1 no such user", "never"),
    "mailbox full for now": ("at_rcpt", "452 4.2.2 mailbox full", "later"),
    "greylisted": ("at_rcpt", "450 4.2.0 try again", "later"),
    "content refused": ("at_data", "554 5.7.1 rejected as spam", "never"),
    "no room for the message now": ("at_data", "451 4.3.0 try again", "later"),
    "our own sender refused": ("at_mail", "550 5.7.1 sender not allowed", "later"),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_a_refusal_for_good_is_a_bounce_and_any_other_is_tried_again(mailbox: Mailbox, case: str) -> None:
    where, answer, outcome = ANSWERS[case]
    setattr(mailbox, where, answer)
    result = send(mailbox)
    assert (result.outcome, mailbox.mails) == (outcome, [])
    assert result.error == f"邮件服务器未接收 / not taken by the mail server: {answer}"


def test_what_goes_wrong_does_not_name_the_receiver(mailbox: Mailbox) -> None:
    mailbox.at_rcpt = f"550 5.1.1 <{TO}> unknown"
    assert send(mailbox).error == "邮件服务器未接收 / not taken by the mail server: 550 5.1.1 <***> unknown"


def test_trouble_in_taking_leave_does_not_undo_what_was_sent(mailbox: Mailbox) -> None:
    mailbox.at_quit = "421 too busy to say good-bye"
    assert send(mailbox) == Result("sent")


def test_a_server_that_is_not_there_is_tried_again() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound and not listening: refused
        result = senders(configured(held.getsockname()[1]))(letter())
    assert result.outcome == "later"
    assert result.error is not None
    assert result.error.startswith("无法连接邮件服务器 / the mail server cannot be reached: ConnectionRefusedError")


def test_without_a_mail_server_nothing_is_sent_and_it_is_said() -> None:
    unset = Result("never", "未配置邮件服务 / mail is not configured")
    assert senders(Settings())(letter()) == unset
    assert senders(Settings(smtp_host="127.0.0.1"))(letter()) == unset


def test_a_server_without_starttls_is_not_sent_to_in_clear(mailbox: Mailbox) -> None:
    result = send(mailbox, smtp_security="starttls")
    assert (result.outcome, mailbox.mails) == ("later", [])


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate that no client trusts."""
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=127.0.0.1", "-keyout", str(path), "-out", str(path.with_suffix(".crt"))]
    subprocess.run(command, check=True, capture_output=True)
    return path


def test_a_certificate_that_nobody_vouches_for_is_not_sent_to(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.with_suffix(".crt"), certificate)
    with mail_server(tls_context=context) as mailbox:
        result = send(mailbox, smtp_security="starttls")
        assert (result.outcome, mailbox.mails) == ("later", [])
        assert "CERTIFICATE_VERIFY_FAILED" in (result.error or "")


def _only_pilot(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (b"pilot", b"secret")
    return AuthResult(success=good, handled=False)


def test_the_server_is_told_user_and_password() -> None:
    options = {"authenticator": _only_pilot, "auth_require_tls": False}
    with mail_server(**options) as mailbox:
        assert send(mailbox, smtp_user="pilot", smtp_password="secret") == Result("sent")
        wrong = send(mailbox, smtp_user="pilot", smtp_password="wrong")
    assert wrong.outcome == "later"
    assert "535" in (wrong.error or "")
    assert "wrong" not in (wrong.error or "")


CONFIGURED = configured(25)
PLAIN = letter(calendar=None)
HEADERS = ["Message-ID", "Date", "From", "To", "Subject", "Auto-Submitted", "X-Auto-Response-Suppress"]
HEADERS += ["MIME-Version", "Content-Type"]
SMUGGLED = ["zhang@example.cn\r\nBcc: all@example.cn", "zhang@example.cn\n", "a@b", "a b@example.cn", "张@example.cn"]
SMUGGLED += ["zhang@example.cn, li@example.cn", "Zhang <zhang@example.cn>", "", "@example.cn", "a@example..cn"]


@pytest.mark.parametrize("target", SMUGGLED)
def test_what_is_no_address_is_never_sent_to(mailbox: Mailbox, target: str) -> None:
    result = send(mailbox, letter(target))
    if target.strip() == "zhang@example.cn":  # blanks around an address are not part of it
        assert (result.outcome, [mail["To"] for mail in mailbox.mails]) == ("sent", ["zhang@example.cn"])
    else:
        assert (result.outcome, mailbox.mails) == ("never", [])


@given(subject=st.text(max_size=300))
def test_no_subject_adds_a_header_and_every_subject_can_be_read_again(subject: str) -> None:
    mail = compose(CONFIGURED, replace(PLAIN, subject=subject))
    head = mail.as_bytes().split(b"\r\n\r\n", 1)[0]
    lines = [line for line in head.split(b"\r\n") if not line.startswith((b" ", b"\t"))]
    assert [line.partition(b":")[0].decode() for line in lines] == HEADERS
    assert max(len(line) for line in head.split(b"\r\n")) <= 998
    assert message_from_bytes(head, policy=default)["Subject"] == one_line(subject)
