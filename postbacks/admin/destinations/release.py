"""Ends a hold by hand, when an operator knows before the next probe that the destination is back."""

from __future__ import annotations

from functools import partial

from django.db import transaction

from postbacks.delivery import ready_queue
from postbacks.models import Lane, Postback


@transaction.atomic
def release(postback: Postback) -> bool:
    """Sends what waits, at the allowed rate, once the transaction commits; False if the postback was not held.

    The run of failures is forgotten: if the destination is still down, it takes a full run to hold it again.
    """
    held = Lane.objects.filter(postback=postback, held_since__isnull=False)
    released = held.update(
        failures=0,
        failed_actions=[],
        held_since=None,
        probe_at=None,
        probe_wait_seconds=0,
        notice=Lane.Notice.NONE,  # The operator who released it knows, and a hold that is over needs no notice.
    )
    if released:
        transaction.on_commit(partial(ready_queue.wake, {postback.pk: 0.0}))
    return bool(released)
