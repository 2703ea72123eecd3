"""Chat robots and SMS gateways, each named by its apprise URL."""

import re

from apprise import Apprise, NotifyFormat

from lifecycle.errors import Unreadable
from lifecycle.settings import Settings
from lifecycle.targets import service_of
from schedules.channels import robots
from schedules.parcels import Parcel, Result
from schedules.wording import one_line

_DIGITS = re.compile(r"\d{7,}")


def send(settings: Settings, parcel: Parcel) -> Result:
    """Send a parcel's text and return what became of it.

    `never`: the address is of a kind that is not allowed (any more), or a robot says that its key is gone. apprise
    says yes or no only, so a gateway's no is `later`; its own retries are off, the outbox has them.
    """
    try:
        service = service_of(settings, parcel.channel, parcel.target)
    except Unreadable as refusal:
        return Result("never", f"{refusal.text.zh} / {refusal.text.en}")
    if service.schema in robots.ROBOTS:
        return robots.send(settings, service.schema, service, parcel)
    house = Apprise(asset=service.asset)
    house.add(service)
    result = house.notify(parcel.text, body_format=NotifyFormat.TEXT)
    if result:
        return Result("sent")
    said = next((entry.message for entry in result.logs() if entry.level in ("WARNING", "ERROR")), "")
    return Result("later", one_line(_DIGITS.sub("***", f"网关未受理 / not taken by the gateway: {said}")))
