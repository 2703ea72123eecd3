"""Mail by SMTP: text and HTML, with the dates as a calendar file beside them."""

import smtplib
import ssl
from contextlib import suppress
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import Literal

from lifecycle.errors import Unreadable
from lifecycle.settings import Settings
from lifecycle.targets import check_target
from schedules.invitations import domain
from schedules.parcels import Parcel, Result
from schedules.wording import one_line


def send(settings: Settings, parcel: Parcel) -> Result:
    """Hand a parcel to the mail server and return what became of it.

    `never`: mail is not configured, or the server refused the address or the message for good (5xx). `later`: any
    other trouble. Once the server has taken the message, trouble in taking leave is none.
    """
    if settings.smtp_host is None or settings.mail_from is None:
        return Result("never", "未配置邮件服务 / mail is not configured")
    try:
        check_target(settings, "email", parcel.target)
        message = compose(settings, parcel)
    except Unreadable as refusal:
        return Result("never", f"{refusal.text.zh} / {refusal.text.en}")
    try:
        server = _connect(settings, settings.smtp_host)
    except (OSError, smtplib.SMTPException) as error:
        return Result("later", f"无法连接邮件服务器 / the mail server cannot be reached: {_said(error, parcel.target)}")
    try:
        server.send_message(message)
    except (OSError, smtplib.SMTPException) as error:
        code, said = _refusal(error, parcel.target)
        outcome: Literal["never", "later"] = "never" if 500 <= code < 600 else "later"
        return Result(outcome, f"邮件服务器未接收 / not taken by the mail server: {said}")
    finally:
        with suppress(OSError, smtplib.SMTPException):
            server.quit()
    return Result("sent")


def compose(settings: Settings, parcel: Parcel) -> EmailMessage:
    """Return a parcel as a mail whose Message-ID is the parcel's own; sent again it carries the same.

    Raises:
        Unreadable: sender or receiver is not a mail address.
    """
    name, sender = parseaddr(settings.mail_from or "")
    mail = EmailMessage(policy=SMTP)
    mail["Message-ID"] = f"<{parcel.id}@{domain(settings.origin)}>"
    if parcel.at is not None:
        mail["Date"] = format_datetime(parcel.at)
    mail["From"] = Address(one_line(name), addr_spec=check_target(settings, "email", sender))
    mail["To"] = Address(addr_spec=check_target(settings, "email", parcel.target))
    mail["Subject"] = one_line(parcel.subject)
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers, please
    mail["X-Auto-Response-Suppress"] = "OOF, AutoReply"  # the same for Exchange
    mail.set_content(parcel.text, subtype="plain", charset="utf-8", cte="base64")
    mail.add_alternative(parcel.html, subtype="html", charset="utf-8", cte="base64")
    if parcel.calendar is not None:
        parts = {"method": "PUBLISH", "charset": "utf-8"}
        mail.add_attachment(parcel.calendar, maintype="text", subtype="calendar", filename="dates.ics", params=parts)
    return mail


def _connect(settings: Settings, host: str) -> smtplib.SMTP:
    seconds, security = settings.send_timeout_s, settings.smtp_security
    server: smtplib.SMTP
    if security == "tls":
        server = smtplib.SMTP_SSL(host, settings.smtp_port, timeout=seconds, context=ssl.create_default_context())
    else:
        server = smtplib.SMTP(host, settings.smtp_port, timeout=seconds)
    try:
        if security == "starttls":
            server.starttls(context=ssl.create_default_context())
        if settings.smtp_user is not None:
            password = settings.smtp_password.get_secret_value() if settings.smtp_password else ""
            server.login(settings.smtp_user, password)
    except BaseException:
        server.close()
        raise
    return server


def _refusal(error: Exception, target: str) -> tuple[int, str]:
    """Return the code with which the server refused this receiver or message (0: something else went wrong), and why.

    A refused sender (MAIL FROM) is the house's own trouble: it is mended by settings, and then the mail goes out.
    """
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, said = next(iter(error.recipients.values()))
        return code, _said(smtplib.SMTPResponseException(code, said), target)
    code = error.smtp_code if isinstance(error, smtplib.SMTPDataError) else 0
    return code, _said(error, target)


def _said(error: Exception, target: str) -> str:
    """Return what went wrong in one line that does not name the receiver: it is kept where others may read it."""
    text = f"{type(error).__name__}: {error}"
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        text = f"{error.smtp_code} {said.decode('utf-8', 'replace') if isinstance(said, bytes) else said}"
    return one_line(text.replace(target, "***"))
