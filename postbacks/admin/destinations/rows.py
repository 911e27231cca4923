"""What the list of held and paused postbacks shows for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from postbacks.admin.integrations.rows import place_called
from postbacks.lifecycle import PAUSED_TOGETHER
from postbacks.metrics.backlog import COUNTED_UP_TO, shown, waiting_of
from postbacks.models import Delivery, Postback
from postbacks.state import State, state_of


@dataclass(frozen=True, slots=True)
class Row:
    """`why` is the latest failure of a held destination, or why a postback was paused; `probe_at` is for held ones."""

    postback: Postback
    calls: str
    state: State
    since: datetime
    why: str
    probe_at: datetime | None
    waiting: str


def stopped(*, networks: bool) -> QuerySet[Postback]:
    """The postbacks that are held or paused: held ones first, the longest stopped first. Without `networks`, only those
    of partners."""
    # The retry that is due last was tried most recently.
    retry = Delivery.objects.filter(
        postback=OuterRef("pk"), state=Delivery.State.READY, priority=Delivery.Priority.RETRY
    ).order_by("-due_at")
    rows = (
        Postback.objects.existing()
        .filter(Q(paused_at__isnull=False) | Q(lane__held_since__isnull=False))
        .select_related("partner", "media_source", "action_tracker", "lane")
        .annotate(latest_reason=Subquery(retry.values("reason")[:1]))
        .order_by(F("paused_at").asc(nulls_first=True), Coalesce("lane__held_since", "paused_at"), "pk")
    )
    return rows if networks else rows.filter(media_source__isnull=True)


def paused_by_themselves(*, networks: bool) -> QuerySet[Postback]:
    """Those of the stopped ones that no operator paused, such as after 410 Gone; the latest paused first."""
    by_operators = ("", PAUSED_TOGETHER)
    rows = stopped(networks=networks).filter(paused_at__isnull=False).exclude(pause_reason__in=by_operators)
    return rows.order_by("-paused_at")


def rows_of(postbacks: Sequence[Postback]) -> list[Row]:
    """The rows for what `stopped` returns; one query."""
    waiting = waiting_of(postback.pk for postback in postbacks)
    return [_row(postback, waiting.get(postback.pk, 0)) for postback in postbacks]


def _row(postback: Postback, waiting: int) -> Row:
    lane = getattr(postback, "lane", None)
    held_since = lane.held_since if lane is not None else None
    since = postback.paused_at or held_since
    if since is None:
        raise ValueError(f"Postback {postback.pk} is neither held nor paused.")
    return Row(
        postback=postback,
        calls=place_called(postback.url),
        state=state_of(postback),
        since=since,
        why=postback.pause_reason if postback.paused_at else postback.latest_reason or "",  # type: ignore[attr-defined]
        probe_at=lane.probe_at if lane is not None and not postback.paused_at else None,
        waiting=shown(waiting, COUNTED_UP_TO),
    )
