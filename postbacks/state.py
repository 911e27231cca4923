"""The state of a postback as users see it. Pure, except for the current time zone."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import timezone

from postbacks.models import Postback


@dataclass(frozen=True, slots=True)
class State:
    """`key` is active, failing, held, paused or deleted; `label` is the word to show; `text` says since when, and
    why."""

    key: str
    label: str
    text: str


def state_of(postback: Postback, failing: str = "") -> State:
    """The state of a postback loaded with its lane; `failing` says why, if it is. Times are in the current zone.

    A held destination fails because it is down, which is what to see to, so it counts as held.
    """
    if postback.deleted_at:
        return State("deleted", "Deleted", f"Deleted {timezone.localtime(postback.deleted_at):%Y-%m-%d %H:%M}")
    if postback.paused_at:
        paused = f"Paused since {timezone.localtime(postback.paused_at):%Y-%m-%d %H:%M}."
        return State("paused", "Paused", f"{paused} {postback.pause_reason}".rstrip())
    lane = getattr(postback, "lane", None)
    if lane is not None and lane.held_since:
        since, probe = timezone.localtime(lane.held_since), timezone.localtime(lane.probe_at)
        text = f"Held since {since:%Y-%m-%d %H:%M}: its destination is down. Next probe {probe:%H:%M:%S}."
        return State("held", "Held", text)
    if failing:
        return State("failing", "Failing", failing)
    return State("active", "Active", "Active")
