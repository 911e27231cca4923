"""What operators do with a whole postback: pause, resume, delete."""

from __future__ import annotations

from functools import partial

from django.contrib.postgres.functions import TransactionNow
from django.db import transaction
from django.utils import timezone

from postbacks.database import raw_cursor
from postbacks.delivery import ready_queue
from postbacks.metrics.tally import count_ended
from postbacks.models import Delivery, Lane, Postback

DELETED_REASON = "The postback was deleted."
PAUSED_BY_OWNER = "Paused by its owner, in the portal."
PAUSED_TOGETHER = "Paused together with the others of its owner."


def pending_count(postback: Postback) -> int:
    """How many deliveries wait to be sent: those that deleting the postback would cancel."""
    return postback.deliveries.filter(state__in=Delivery.WAITING).count()


def pause(postback: Postback, reason: str = "") -> None:
    """Stops sending; deliveries are still collected. Pausing a paused postback changes nothing."""
    if postback.paused_at is None:
        postback.paused_at, postback.pause_reason = timezone.now(), reason
        postback.save(update_fields=["paused_at", "pause_reason", "updated_at"])


def pause_together(postback: Postback) -> None:
    """The same of one among all of its owner's, which can be resumed together: its reason tells them apart from those
    that were paused before."""
    pause(postback, PAUSED_TOGETHER)


@transaction.atomic
def resume(postback: Postback) -> None:
    """Resumes sending, starting with what was collected, as soon as the transaction commits. Earlier 410 Gone answers
    are forgotten, so that only new ones pause the postback again."""
    if postback.paused_at is not None:
        postback.paused_at = None
        postback.pause_reason = ""
        postback.save(update_fields=["paused_at", "pause_reason", "updated_at"])
        Lane.objects.filter(postback=postback).update(gone_actions=[])
        transaction.on_commit(partial(ready_queue.wake, {postback.pk: 0.0}))


@transaction.atomic
def delete_postback(postback: Postback) -> int:
    """Deletes a postback: it no longer fires, and waiting deliveries are cancelled. Returns how many were cancelled.

    The row stays, marked as deleted, because deliveries refer to it.
    """
    # Waits for the foreign key locks of transactions that insert deliveries, so that those are committed and cancelled.
    locked = Postback.objects.select_for_update().get(pk=postback.pk)
    if locked.deleted_at is not None:
        return 0
    postback.deleted_at = timezone.now()
    postback.save(update_fields=["deleted_at", "updated_at"])
    # What is being sent at this moment is not stopped; the engine records how it ends.
    cancelled = postback.deliveries.filter(state__in=Delivery.WAITING).update(
        state=Delivery.State.CANCELLED, finished_at=TransactionNow(), reason=DELETED_REASON
    )
    with raw_cursor() as cursor:
        count_ended(cursor, {postback.pk: cancelled}, Delivery.State.CANCELLED)
    return cancelled
