"""Webhooks by the Standard Webhooks convention: signed, with the message's id as theirs."""

from typing import Literal

import orjson
from standardwebhooks import Webhook

from lifecycle.errors import Unreadable
from lifecycle.settings import Settings
from lifecycle.targets import check_target
from schedules.channels.posting import NotPublic, Unreachable, post
from schedules.parcels import Parcel, Result

GONE = 410  # by the convention: do not call here again


def send(settings: Settings, parcel: Parcel) -> Result:
    """Post a parcel's data and return what became of it.

    2xx: sent. 410 Gone: never again. Anything else, a redirect too: later, since receivers answer 401, 403 or 404 just
    as well while they are being put in order; how often is tried is the outbox's to say. The answer's body is not read:
    what an address inside the house says must not come out by way of an error text.
    """
    if parcel.secret is None or parcel.at is None:
        return Result("never", "回调地址没有签名密钥 / the webhook has no secret to sign with")
    body = orjson.dumps(parcel.data)
    headers = {
        "content-type": "application/json",
        "user-agent": "pilot",
        "webhook-id": parcel.id,
        "webhook-timestamp": str(int(parcel.at.timestamp())),
        "webhook-signature": Webhook(parcel.secret).sign(parcel.id, parcel.at, body.decode()),
    }
    seconds, private = settings.send_timeout_s, settings.webhook_private
    try:
        target = check_target(settings, "webhook", parcel.target)
        answer = post(target, body, headers, seconds, private=private, read_body=False)
    except Unreadable as refusal:
        return Result("never", f"{refusal.text.zh} / {refusal.text.en}")
    except NotPublic:
        return Result("never", "回调地址不是公网地址 / the webhook's address is not public")
    except Unreachable as error:
        return Result("later", f"回调地址无应答 / the webhook did not answer: {error}")
    if 200 <= answer.status < 300:
        return Result("sent")
    outcome: Literal["never", "later"] = "never" if answer.status == GONE else "later"
    return Result(outcome, f"回调地址答复{answer.status} / the webhook answered {answer.status}")
