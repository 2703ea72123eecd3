"""The ways out of the house. Each takes a parcel and says what became of it; none raises, none touches the database."""

from lifecycle.settings import Settings
from schedules.channels import chat, email, webhook
from schedules.parcels import Parcel, Result, Sender

_WAYS = {"email": email.send, "chat": chat.send, "sms": chat.send, "webhook": webhook.send}


def senders(settings: Settings) -> Sender:
    """Return what sends a parcel over its channel, by these settings."""

    def send(parcel: Parcel) -> Result:
        """Send one parcel; never raises."""
        way = _WAYS.get(parcel.channel)
        if way is None:
            return Result("never", f"没有通道{parcel.channel} / no channel {parcel.channel}")
        try:
            return way(settings, parcel)
        except Exception as error:  # whatever it is, it is this message's trouble and not the sweep's
            return Result("later", f"发送出错 / sending failed: {type(error).__name__}")

    return send
