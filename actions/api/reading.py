"""Actions and their updates as callers read them: the values of the latest event, under the documented names."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Max, QuerySet
from django.utils import timezone

from actions.models import Action, ActionEvent
from actions.reports.fields import write_date
from actions.reports.parameters import is_personal

# A transaction takes its ids before it commits. Updates are told once all that began before them have ended, so that
# who reads on from the last id misses none.
SETTLED_AFTER = timedelta(seconds=10)


def shown_actions(actions: Iterable[Action], *, personal: bool) -> list[dict[str, Any]]:
    """Each action with the values of its latest event; without `personal`, those that are personal are empty."""
    found = list(actions)
    latest = ActionEvent.objects.filter(action__in=found).order_by().values("action").annotate(latest=Max("number"))
    numbers = {row["action"]: row["latest"] for row in latest}
    events = {
        event.action_id: event
        for event in ActionEvent.objects.filter(action__in=found).order_by()
        if event.number == numbers[event.action_id]
    }
    return [_action(action, events[action.pk].parameters, personal) for action in found]


def shown_update(event: ActionEvent, *, personal: bool) -> dict[str, Any]:
    """One event with its values of then; `personal` as above."""
    return {
        "Id": str(event.pk),
        "UpdateDate": write_date(_whole(event.recorded_at)),
        "UpdateType": event.kind.upper(),
        **_values(event.parameters, personal),
    }


def settled_updates(events: QuerySet[ActionEvent], after_id: int) -> QuerySet[ActionEvent]:
    """Those of these events that are updates after this one, oldest first."""
    return events.filter(
        id__gt=after_id, kind__in=ActionEvent.NON_STANDARD, recorded_at__lte=timezone.now() - SETTLED_AFTER
    ).order_by("id")


def _action(action: Action, parameters: dict[str, Any], personal: bool) -> dict[str, Any]:
    values = _values(parameters, personal)
    values["Id"] = values.pop("ActionId")
    values["State"] = str(action.status)
    values["ClearingDate"] = values.get("ClearedDate", "")
    values["ClearedDate"] = write_date(_whole(action.cleared_at)) if action.cleared_at else ""
    values["NoPayoutReason"] = action.no_payout_reason
    return values


def _values(parameters: dict[str, Any], personal: bool) -> dict[str, Any]:
    values = {
        name: text if personal or not is_personal(name) else "" for name, text in parameters.items() if name != "items"
    }
    values["State"] = values.pop("Status", "")
    values["Items"] = parameters.get("items", [])
    return values


def _whole(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)
