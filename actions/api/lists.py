"""Which actions and updates a reader asks for, and in which order: each order has an index that serves it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from actions.api import filters
from actions.api.filters import listing
from actions.api.pages import EVENTS_COUNTED, NEWEST_FIRST, Order
from actions.api.rights import actions_of, events_of
from actions.models import Action, ActionEvent, ApiToken
from actions.reports.fields import shown
from actions.reports.rejected import malformed
from actions.reports.report import ACTION_ID

# A transaction takes its ids and its time before it commits. Updates are told once all that began before them have
# ended, so that who reads on from the last one misses none.
SETTLED_AFTER: Final = timedelta(seconds=10)


def _read_action_id(name: str, text: str) -> str:
    if not ACTION_ID.fullmatch(text.strip()):
        raise malformed(name, f"{shown(text)} is not an action id; expected is one such as 1000.2001.158133.")
    return text.strip()


_ACTION_DATES: Final = filters.span("ActionDateStart", "ActionDateEnd", "Of actions with an event date")
_LOCKING_DATES: Final = filters.span("LockingDateStart", "LockingDateEnd", "Of actions with a locking date")

ACTIONS: Final = listing(
    filters.CAMPAIGN,
    filters.TRACKER,
    filters.PARTNER,
    filters.STATE,
    filters.ORDER_ID,
    *filters.span("StartDate", "EndDate", "Recorded, changed, locked or cleared for the last time"),
    *_ACTION_DATES,
    *_LOCKING_DATES,
    filters.key_filter("BeforeId", "With a sequence, the last part of the id, below this one."),
)
UPDATES: Final = listing(
    filters.CAMPAIGN,
    filters.TRACKER,
    filters.PARTNER,
    filters.STATE,
    filters.Filter("ActionId", _read_action_id, "Of this action only.", filters.TEXT),
    *filters.span("StartDate", "EndDate", "Recorded"),
    *_ACTION_DATES,
    *_LOCKING_DATES,
    filters.key_filter("AfterId", "After the update with this number; stands in NextPageUri."),
)

_OF_ACTIONS: Final = {
    "CampaignId": "program",
    "ActionTrackerId": "action_tracker",
    "MediaPartnerId": "partner",
    "OrderId": "order_id",
    "ActionDateStart": "event_date__gte",
    "ActionDateEnd": "event_date__lt",
    "LockingDateStart": "locking_date__gte",
    "LockingDateEnd": "locking_date__lt",
}
_BY_UPDATE: Final = Order("recorded_at", rises=True, shown="action", counted=EVENTS_COUNTED)
_UPDATES_BY_DATE: Final = Order("recorded_at", rises=True, counted=EVENTS_COUNTED)
_UPDATES: Final = Order(rises=True, counted=EVENTS_COUNTED)

Wanted = Mapping[str, Any]


def wanted_actions(token: ApiToken, wanted: Wanted) -> tuple[QuerySet[Any], Order]:
    """The rows of the actions that are wanted, and their order.

    By their latest updates they are in the order of these, by a date in that of the date, else in that of their ids.
    """
    if _has_span(wanted, ""):
        events = _latest_events(token, wanted).filter(**_on_actions(wanted, "action__"))
        if "State" in wanted:
            events = events.filter(action__status=wanted["State"])
        return events, _BY_UPDATE
    actions = actions_of(token).filter(**_on_actions(wanted, ""))
    if "State" in wanted:
        actions = actions.filter(status=wanted["State"])
    for span, column in (("Action", "event_date"), ("Locking", "locking_date")):
        if _has_span(wanted, span):
            return actions, Order(column)
    return actions, NEWEST_FIRST


def wanted_updates(token: ApiToken, wanted: Wanted, action: Action | None) -> tuple[QuerySet[ActionEvent], Order]:
    """The updates that are wanted, and their order; of one action also those of this moment."""
    events = events_of(token).filter(kind__in=ActionEvent.NON_STANDARD, **_on_actions(wanted, "action__"))
    events = _within(events, wanted, settled=action is None)
    if action is not None:
        events = events.filter(action=action)
    if "State" in wanted:
        events = events.filter(parameters__Status=wanted["State"])
    if "AfterId" in wanted:
        events = events.filter(pk__gt=wanted["AfterId"])
    return events, _UPDATES_BY_DATE if _has_span(wanted, "") else _UPDATES


def find_action(token: ApiToken, public_id: str) -> Action | None:
    """The action with this id, if the token sees it."""
    match = ACTION_ID.fullmatch(public_id)
    if not match:
        return None
    program, tracker, sequence = (int(number) for number in match.groups())
    return actions_of(token).filter(pk=sequence, program=program, action_tracker=tracker).first()


def find_update(token: ApiToken, public_id: str) -> ActionEvent | None:
    """The update with this id: the action's, and the number of the update in its life."""
    action_id, _, number = public_id.rpartition(".")
    action = find_action(token, action_id)
    if action is None or not (number.isascii() and number.isdecimal() and len(number) < 10):
        return None
    return ActionEvent.objects.filter(action=action, number=int(number), kind__in=ActionEvent.NON_STANDARD).first()


def _latest_events(token: ApiToken, wanted: Wanted) -> QuerySet[ActionEvent]:
    """The latest event of each action, where it is within the span."""
    later = ActionEvent.objects.filter(action=OuterRef("action"), number__gt=OuterRef("number"))
    events = _within(events_of(token), wanted, settled=True).filter(~Exists(later))
    return events.filter(action__lt=wanted["BeforeId"]) if "BeforeId" in wanted else events


def _within(events: QuerySet[ActionEvent], wanted: Wanted, *, settled: bool) -> QuerySet[ActionEvent]:
    end: datetime | None = wanted.get("EndDate")
    if settled:
        latest = timezone.now() - SETTLED_AFTER
        events = events.filter(recorded_at__lte=latest) if end is None or end > latest else events
    if end is not None:
        events = events.filter(recorded_at__lt=end)
    start = wanted.get("StartDate")
    return events if start is None else events.filter(recorded_at__gte=start)


def _on_actions(wanted: Wanted, prefix: str) -> dict[str, Any]:
    found = {f"{prefix}{lookup}": wanted[name] for name, lookup in _OF_ACTIONS.items() if name in wanted}
    if not prefix and "BeforeId" in wanted:
        found["pk__lt"] = wanted["BeforeId"]
    return found


def _has_span(wanted: Wanted, of: str) -> bool:
    """Whether the span of this name is given: `StartDate` for an empty one, else `ActionDateStart` and the like."""
    names = (f"{of}DateStart", f"{of}DateEnd") if of else ("StartDate", "EndDate")
    return any(name in wanted for name in names)
