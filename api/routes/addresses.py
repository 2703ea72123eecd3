"""Where people are reached: one's own addresses, and for the security administrator everybody's."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import StringConstraints
from starlette.responses import Response

from api.dependencies import Here
from api.openapi import WRITES, operation
from api.problems import CREATED
from api.replies import reply
from api.requests import StrictRoute
from api.schemas import NO_BREAK, Body, Flag
from api.shapes.ways import Addresses, AddressMade, Done, Outside
from lifecycle import addresses

router = APIRouter(prefix="/api/v1/people/{login}/addresses", tags=["people"], route_class=StrictRoute)
Login = Annotated[str, Path(max_length=64, description="登录名，本人为me / a login, or me")]
ME = "me"


class NewAddressBody(Body):
    """An address to enter: a mail address, a robot's or gateway's URL, or a webhook's."""

    channel: Outside
    target: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=1000, pattern=NO_BREAK)]
    digest: Flag = False


class Choice(Body):
    """One message a day, or each at its time."""

    digest: Flag


@router.get("", **operation("listAddresses", "提醒地址", "Addresses", "forbidden", "not-found", model=Addresses))
def list_all(here: Here, login: Login) -> Response:
    """Return a person's addresses; those of others are masked."""
    with here.reading() as tx:
        return reply({"items": addresses.list_addresses(tx, here.caller, _meant(login))})


@router.post(
    "",
    **operation(
        "addAddress", "登记地址", "Enter an address", "forbidden", "not-found", *WRITES, model=AddressMade,
        status_code=CREATED,
    ),
)  # fmt: skip
def add(here: Here, login: Login, body: NewAddressBody) -> Response:
    """Enter where a person is reached; the earlier one of that channel ends. A webhook's secret is shown this once."""
    with here.acting(("user", here.caller.actor.id), "add_address") as tx:
        made = addresses.add_address(
            tx,
            here.service.log,
            here.service.settings,
            here.caller,
            body.channel,
            body.target,
            digest=body.digest,
            login=_meant(login),
        )
    return reply(made.to_dict(), status=CREATED)


@router.patch(
    "/{channel}",
    **operation("chooseDigest", "汇总发送", "Choose a digest", "forbidden", "not-found", *WRITES, model=Done),
)
def choose(here: Here, login: Login, channel: Outside, body: Choice) -> Response:
    """Choose between one message a day and each at its time."""
    with here.acting(("user", here.caller.actor.id), "set_digest") as tx:
        addresses.set_digest(tx, here.service.log, here.caller, channel, body.digest, login=_meant(login))
    return reply({"done": True})


@router.delete(
    "/{channel}", **operation("endAddress", "停用地址", "End an address", "forbidden", "not-found", model=Done)
)
def end(here: Here, login: Login, channel: Outside) -> Response:
    """End a person's address over a channel; what still waits for it is not sent."""
    with here.acting(("user", here.caller.actor.id), "end_address") as tx:
        addresses.end_address(tx, here.service.log, here.caller, channel, login=_meant(login))
    return reply({"done": True})


def _meant(login: str) -> str | None:
    return None if login == ME else login
