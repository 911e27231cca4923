"""The state of a postback as users see it. Pure, except for the current time zone."""

from __future__ import annotations

from dataclasses import dataclass

from partners.local_times import shown
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
        return State("deleted", "Deleted", f"Deleted {shown(postback.deleted_at)}")
    if postback.paused_at:
        paused = f"Paused since {shown(postback.paused_at)}."
        return State("paused", "Paused", f"{paused} {postback.pause_reason}".rstrip())
    lane = getattr(postback, "lane", None)
    if lane is not None and lane.held_since:
        why = token_failure(postback) or "its destination is down."
        text = f"Held since {shown(lane.held_since)}: {why} Next probe {shown(lane.probe_at)}."
        return State("held", "Held", text)
    if failing:
        return State("failing", "Failing", failing)
    return State("active", "Active", "Active")


def token_failure(postback: Postback) -> str:
    """Why a postback with OAuth 2.0 has no access token, as its token server answered last; empty if it has one."""
    if postback.authentication != Postback.Authentication.OAUTH2:  # Nearly all: the row is not looked for.
        return ""
    token = getattr(postback, "access_token", None)
    failure: str = token.failure if token is not None else ""
    return failure[:1].lower() + failure[1:]
