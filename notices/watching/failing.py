"""Postbacks that begin to fail, and that no longer do: told once for each change, not for each attempt."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from notices.events import Event
from notices.models import Watch
from notices.telling import News, tell
from notices.watching.health import of_postback
from postbacks.delivery_log.failing import Failing
from postbacks.models import Postback


@transaction.atomic
def tell_of_failing(failing: Mapping[int, Failing], now: datetime) -> None:
    """Tells what has changed since the last look. `failing` has all postbacks that are failing at this moment."""
    at_present = set(failing)
    known = set(Watch.objects.filter(kind=Watch.Kind.FAILING).values_list("subject", flat=True))
    changed = Postback.objects.select_related("partner", "media_source", "action_tracker", "lane")
    rows = changed.in_bulk(at_present ^ known)
    # A held or paused one sends next to nothing: that it fails, or no longer does, is said when it goes on.
    silent = {pk for pk, row in rows.items() if row.deleted_at is None and _rests(row)}
    begun, over = at_present - known - silent, known - at_present - silent
    Watch.objects.bulk_create(
        [Watch(kind=Watch.Kind.FAILING, subject=pk, at=now) for pk in begun], ignore_conflicts=True
    )
    Watch.objects.filter(kind=Watch.Kind.FAILING, subject__in=over).delete()
    existing = {pk: row for pk, row in rows.items() if row.deleted_at is None}
    tell(
        *(_begun(existing[pk], failing[pk], now) for pk in sorted(begun & existing.keys())),
        *(_over(existing[pk], now) for pk in sorted(over & existing.keys())),
    )


def _begun(postback: Postback, failing: Failing, now: datetime) -> News:
    text = (
        f"The postback “{postback}”: {failing.failed} of its last {failing.tried} attempts failed, for several "
        "actions. Its delivery log has each request and answer."
    )
    return of_postback(Event.FAILING, now, postback, "Failing", text)


def _over(postback: Postback, now: datetime) -> News:
    text = (
        f"The postback “{postback}” no longer counts as failing: of its latest attempts, fewer than half have failed, "
        "or it has made none for a day."
    )
    return of_postback(Event.FAILING, now, postback, "No longer failing", text)


def _rests(postback: Postback) -> bool:
    lane = getattr(postback, "lane", None)
    return postback.paused_at is not None or (lane is not None and lane.held_since is not None)
