"""Ending a hold by hand: somebody knows that the destination is back before the next probe tells."""

from __future__ import annotations

from functools import partial

from django.db import transaction

from postbacks.delivery import ready_queue
from postbacks.models import Lane, Postback


@transaction.atomic
def release(postback: Postback) -> bool:
    """Lets go what waits, at the allowed rate, once the transaction commits; False if it was not held.

    The run of failures is forgotten: should the destination still be down, as many are needed again to hold it.
    """
    held = Lane.objects.filter(postback=postback, held_since__isnull=False)
    released = held.update(
        failures=0,
        failed_actions=[],
        held_since=None,
        probe_at=None,
        probe_wait_seconds=0,
        notice=Lane.Notice.NONE,  # Who released it knows; and a hold that is over needs no telling.
    )
    if released:
        transaction.on_commit(partial(ready_queue.wake, {postback.pk: 0.0}))
    return bool(released)
