"""One round: look, gather, send. Each part in transactions of its own, so that one that fails keeps back no other."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Final, TypeVar

from django.conf import settings
from django.db import IntegrityError, OperationalError, connection, connections, transaction

from notices import clock
from notices.events import OF_SETTINGS
from notices.models import Channel, Message
from notices.sending.delivering import deliver, waiting
from notices.sending.gathering import gather
from notices.watching.certificates import tell_of_certificates
from notices.watching.ended import tell_of_imports, tell_of_replays
from notices.watching.failing import tell_of_failing
from notices.watching.health import tell_of_health
from notices.watching.quiet import note_conversions, tell_of_quiet
from notices.watching.rates import tell_of_rates
from postbacks.advisory_locks import NOTICES_LOCK
from postbacks.delivery_log.failing import failing_now

logger = logging.getLogger(__name__)

AT_ONCE: Final = 8  # Channels: one that hangs must not keep the others waiting.
NAME_OF_SETTINGS: Final = "POSTBACKS_NOTICE_EMAILS"

T = TypeVar("T")
Look = Callable[[datetime], None]
LOOKS: Final[tuple[Look, ...]] = (
    tell_of_health,
    lambda now: tell_of_failing(failing_now(now), now),
    tell_of_certificates,
    note_conversions,
    tell_of_quiet,
    tell_of_replays,
    tell_of_imports,
    tell_of_rates,
)


def go_round(stopping: Callable[[], bool] = lambda: False) -> int:
    """Looks for what is to be told and sends what waits; returns how many messages were taken by the other side."""
    now = clock.now()
    keep_channel_of_settings()
    for look in LOOKS:
        _look(look, now)
    for pk in Channel.objects.filter(active=True).values_list("pk", flat=True):
        _guarded("A message could not be made", partial(gather, pk, now))
    return _send(waiting(now), now, stopping)


def keep_channel_of_settings() -> None:
    """Makes the channel of POSTBACKS_NOTICE_EMAILS, once; it stays, and is silent while the setting is empty."""
    if settings.POSTBACKS_NOTICE_EMAILS and not Channel.objects.filter(from_settings=True).exists():
        taken = Channel.objects.filter(name=NAME_OF_SETTINGS).exists()
        try:
            with transaction.atomic():
                Channel.objects.create(
                    name=f"{NAME_OF_SETTINGS} (setting)" if taken else NAME_OF_SETTINGS,
                    kind=Channel.Kind.EMAIL,
                    from_settings=True,
                    events=list(OF_SETTINGS),
                )
        except IntegrityError:  # Another process has just made it.
            return


def _look(look: Look, now: datetime) -> None:
    """By one process at a time: two would find the same change."""

    def locked() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", NOTICES_LOCK)
            if cursor.fetchone()[0]:
                look(now)

    _guarded("What is to be told could not be looked up", locked)


def _send(messages: Iterable[Message], now: datetime, stopping: Callable[[], bool]) -> int:
    if connection.in_atomic_block:  # Nobody else would see the rows.
        return sum(_deliver(message, now, stopping) for message in messages)
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="postbacks-notices") as pool:
        return sum(pool.map(lambda message: _deliver_apart(message, now, stopping), messages))


def _deliver_apart(message: Message, now: datetime, stopping: Callable[[], bool]) -> bool:
    try:
        return _deliver(message, now, stopping)
    finally:
        connections.close_all()  # Those of this thread.


def _deliver(message: Message, now: datetime, stopping: Callable[[], bool]) -> bool:
    if stopping():
        return False
    outcome = _guarded(f"Message {message.pk} could not be sent", lambda: deliver(message, now))
    if outcome is not None and not outcome.told:
        logger.warning("Channel “%s” could not be told: %s", message.channel, outcome.said)
    return outcome is not None and outcome.told


def _guarded(what: str, do: Callable[[], T]) -> T | None:
    try:
        return do()
    except OperationalError as error:
        logger.warning("%s (%s); it is tried again.", what, str(error).strip())
    except Exception:
        logger.exception("%s; it is tried again.", what)
    return None
