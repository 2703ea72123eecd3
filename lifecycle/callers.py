"""Who calls, through what, and when: the value that every use case is handed."""

from datetime import date, datetime

from states.deadlines import business_date
from states.facts import Actor
from states.values import frozen


@frozen
class Source:
    """How a request came in. Address and browser are personal data: the log holds commitments to them."""

    channel: str = "api"
    request: str | None = None
    service: str | None = None
    ip: str | None = None
    ua: str | None = None


@frozen
class Caller:
    """The actor, the way in, and the instant, made once at the edge (aware UTC)."""

    actor: Actor
    source: Source
    now: datetime

    def today(self, zone: str) -> date:
        """Return the business date in a zone."""
        return business_date(self.now, zone)
