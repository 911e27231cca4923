"""The current values of an action, for replays that correct what was sent."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from actions.models import Action
from actions.recording.lines import line_of
from actions.recording.snapshot import snapshot

# What an event changed stays that of the event; everything else is taken from the action as it is now.
OF_THE_EVENT = ("DeltaAmount", "DeltaPayout")


def present_values(action_ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """A snapshot of each action as it is now, without OF_THE_EVENT, by action id."""
    actions = (
        Action.objects.filter(pk__in=action_ids)
        .select_related("program", "action_tracker", "partner")
        .prefetch_related("items")
    )
    found = {}
    for action in actions:
        values = snapshot(action, [line_of(item) for item in action.items.all()], Decimal(0), Decimal(0))
        for name in OF_THE_EVENT:
            values.pop(name, None)
        found[action.pk] = values
    return found


def corrected(event_values: dict[str, Any], present: dict[str, Any]) -> dict[str, Any]:
    """The current values, with what the event changed."""
    return present | {name: event_values[name] for name in OF_THE_EVENT if name in event_values}
