"""The clock of a process: what its jobs work with, and whether it runs inside the server."""

from contextlib import suppress
from datetime import datetime

import structlog

from api.service import Service
from lifecycle.calendars import apply_due, due_batches
from lifecycle.callers import Caller, Source
from lifecycle.drifting import watch_drift
from lifecycle.seal.ends import tell_heads
from lifecycle.seal.sealer import seal_all, terms_of
from lifecycle.seal.state import SealerBusy
from lifecycle.settings import Settings
from lifecycle.signing import load_or_create_signer
from schedules.channels import senders
from schedules.runner import Context
from states.roles import actor_of

SCHEDULER = "system:scheduler"
_log = structlog.get_logger("pilot.schedules")


def context_of(service: Service, *, sealing: bool = False) -> Context:
    """Return what the jobs of this process work with; `sealing`: it is the sealer too."""
    return Context(
        service.database,
        senders(service.settings),
        service.clock,
        service.settings.origin,
        lambda now: apply_calendars(service, now),
        lambda now: write_heads(service, now),
        lambda now: compare_with_log(service, now),
        (lambda _now: seal_log(service)) if sealing else None,
    )


def seal_log(service: Service) -> None:
    """Seal what there is; where another sealer is at work it does that.

    Raises:
        Halted: the tree does not go on from what was signed last: somebody must look.
        RuntimeError: entries that are not sound stay out; each is named.
        OSError: what is signed cannot be kept or published.
    """
    settings = service.settings
    with suppress(SealerBusy):
        sealed = seal_all(service.database, load_or_create_signer(settings.log_key), terms_of(settings), service.clock)
        if sealed.problems:
            raise RuntimeError("; ".join(problem.text.en for problem in sealed.problems))


def write_heads(service: Service, now: datetime) -> None:
    """Write the day's heads entry, where it is not there yet."""
    tell_heads(service.database, service.log, Caller(actor_of(SCHEDULER, "system"), Source("schedule"), now))


def compare_with_log(service: Service, now: datetime) -> None:
    """Hold the next part of the live rows against the log; what drifts is recorded, and told to the process's log."""
    drifting = watch_drift(
        service.database, service.log, Caller(actor_of(SCHEDULER, "system"), Source("schedule"), now)
    )
    if drifting:
        _log.error("drift_found", subjects=drifting)


def apply_calendars(service: Service, now: datetime) -> None:
    """Apply calendars that have changed, each batch in a transaction of its own; one that fails leaves the others be.

    Raises:
        ExceptionGroup: what went wrong, once all batches have had their turn.
    """
    caller = Caller(actor_of(SCHEDULER, "system"), Source("schedule"), now)
    with service.database.reading() as tx:
        due = due_batches(tx)
    failed: list[Exception] = []
    for batch in due:
        try:
            with service.database.transaction() as tx:
                apply_due(tx, service.log, caller, batch)
        except Exception as error:
            _log.exception("calendar_not_applied", batch=batch)
            failed.append(error)
    if failed:
        raise ExceptionGroup("calendars not applied", failed)


def runs_inside(settings: Settings) -> bool:
    """Return whether the server of this process runs the clock too: by default where the database is embedded."""
    return _embedded(settings) if settings.scheduler is None else settings.scheduler


def seals_inside(settings: Settings) -> bool:
    """Return whether the clock inside the server seals too: by default where the database is embedded."""
    return _embedded(settings) if settings.sealer is None else settings.sealer


def _embedded(settings: Settings) -> bool:
    return settings.url.startswith("sqlite")
