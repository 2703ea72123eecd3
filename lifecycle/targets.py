"""What an address may be, over each channel: checked when a person enters it and once more before anything is sent."""

import logging
import re
from typing import Any
from urllib.parse import urlsplit

from apprise import Apprise, AppriseAsset
from apprise.common import OverflowMode

from lifecycle.errors import Unreadable
from lifecycle.settings import Settings
from states.findings import Text

# apprise logs telephone numbers and, of a URL it cannot read, keys: its lines go into results, not into our log.
_log = logging.getLogger("apprise")
_log.propagate = False
_log.addHandler(logging.NullHandler())

OUTSIDE = ("email", "chat", "sms", "webhook")
LENGTH = 1000
_UNFIT = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\ud800-\udfff]")
# The everyday form of RFC 5321's Mailbox. Quoted local parts and characters beyond ASCII are not taken: many relays
# of the administration do not carry them.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_MAILBOX = re.compile(rf"(?=.{{1,64}}@){_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+{_LABEL}")
_SCHEME = re.compile(r"([a-z][a-z0-9]{1,31})://[!-~]+")
_ASSET = AppriseAsset(
    app_id="pilot",
    storage_mode="memory",
    timezone="UTC",
    async_mode=False,
    http_redirects=False,
    interpret_emojis=False,
    allow_templates=False,
    service_timeout=0,
)


def check_target(settings: Settings, channel: str, target: str) -> str:
    """Return an address as it is kept, blanks around it taken off.

    Raises:
        Unreadable: it is not an address of this channel, or of a kind that the settings do not allow.
    """
    given = target.strip()
    if channel not in OUTSIDE:
        raise Unreadable(
            Text(f"通道应为{'、'.join(OUTSIDE)}之一", f"the channel should be one of {', '.join(OUTSIDE)}")
        )
    if not given or len(given) > LENGTH or _UNFIT.search(given):
        raise Unreadable(
            Text(
                f"地址不得为空，至多{LENGTH}字，且不得含空格或控制字符",
                f"an address is needed, of at most {LENGTH} characters, without blanks or control characters",
            )
        )
    if channel == "email":
        _check_mailbox(given)
    elif channel == "webhook":
        _check_url(given, private=settings.webhook_private)
    else:
        service_of(settings, channel, given)
    return given


def service_of(settings: Settings, channel: str, target: str) -> Any:
    """Return the apprise service that a chat's or a gateway's URL names; nothing is sent.

    Raises:
        Unreadable: the kind is not allowed, the URL is not one of that kind, it names more than one receiver, or it
            sets what is the house's to set.
    """
    kinds = settings.chat_kinds if channel == "chat" else settings.sms_kinds
    scheme = _SCHEME.fullmatch(target)
    if scheme is None or scheme[1] not in kinds:
        listed = "、".join(f"{kind}://" for kind in kinds)
        raise Unreadable(Text(f"地址应以下列之一开头：{listed}", f"the address should begin with one of {listed}"))
    if "?" in target:
        # apprise takes options from there: `optional` reports a failure as a success, `verify` looks at no
        # certificate, `retry` and `wait` hold up everybody else's messages. These are the house's to say.
        raise Unreadable(
            Text("地址中不得带有“?”及其后的选项", "the address may not carry options behind a question mark")
        )
    service = Apprise.instantiate(target, asset=_ASSET)
    if service is None or service.schema != scheme[1]:
        raise Unreadable(
            Text(
                f"不是有效的{scheme[1]}地址，请核对密钥和号码", f"not a valid {scheme[1]} address: check key and number"
            )
        )
    if len(service) != 1:
        raise Unreadable(Text("一个地址须写且只能写一个接收号码", "an address names one receiver, and only one"))
    service.overflow_mode = OverflowMode.SPLIT
    service.socket_connect_timeout = service.socket_read_timeout = settings.send_timeout_s
    return service


def masked(channel: str, target: str) -> str:
    """Return an address as others than its owner may see it: enough to recognise it by, not to use it."""
    if channel == "email":
        local, _, host = target.rpartition("@")
        return f"{local[:1]}***@{host}"
    parts = urlsplit(target)
    if channel == "webhook":
        return f"{parts.scheme}://{parts.hostname or ''}/***"
    return f"{parts.scheme}://***"


def _check_mailbox(target: str) -> None:
    if len(target) > 254 or not _MAILBOX.fullmatch(target):
        raise Unreadable(
            Text("电子邮箱格式不正确，应如 name@example.cn", "not a mail address, which looks like name@example.cn")
        )


def _check_url(target: str, *, private: bool) -> None:
    schemes = ("https", "http") if private else ("https",)
    try:
        parts = urlsplit(target)
        good = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
        good = good and not (parts.username or parts.password or parts.fragment) and target.isascii()
    except ValueError:  # a port or an address in brackets that is none
        good = False
    if not good:
        raise Unreadable(
            Text(
                "回调地址应以https://开头，不得含用户名、密码或#",
                "a webhook's address begins with https:// and holds no user name, password or #",
            )
        )
