"""Which postbacks an action event fires. Pure: it looks only at the event, its action and the postback."""

from collections.abc import Iterable, Iterator
from typing import Any

from actions.models import ActionEvent
from partners.models import InAppEvent
from postbacks.conditions.judging import NONE, Conditions, compile_conditions, unmet
from postbacks.models import Postback

CHANGES = (ActionEvent.Kind.MODIFIED, ActionEvent.Kind.REVERSED, ActionEvent.Kind.RESTORED)


def fires(postback: Postback, event: ActionEvent) -> bool:
    """True if `event` (with its `action` loaded) fires `postback` (with tracker and in-app event loaded)."""
    return (
        event.kind in ActionEvent.NON_STANDARD
        and postback.action_tracker_id == event.action.action_tracker_id
        and _owner_takes_it(postback, event)
        and _trigger_takes_it(postback, event)
        and _app_event_takes_it(postback, event)
        and (not postback.conditions or unmet_conditions(postback, event) is None)
    )


def conditions_of(postback: Postback) -> Conditions:
    """The compiled conditions of a postback with its event type loaded, if it has one yet; kept by content."""
    if not postback.conditions:
        return NONE
    hidden = postback.action_tracker.hidden_parameters if postback.action_tracker_id else ()
    return compile_conditions(postback.conditions, postback.conditions_match, hidden)


def unmet_conditions(postback: Postback, event: ActionEvent) -> str | None:
    """Why the values of `event` do not meet the conditions of `postback`, in words; None if they do, or it has none."""
    return unmet(conditions_of(postback), judged_values(event)) if postback.conditions else None


def judged_values(event: ActionEvent) -> dict[str, Any]:
    """What conditions look at: the values of the event itself, which are those of the action at that moment."""
    return {**event.parameters, "ActionEvent": str(event.kind)}


class Listeners:
    """The postbacks of event types, by partner; under None, those of networks, which see every partner's actions."""

    def __init__(self) -> None:
        self._by_tracker: dict[int, dict[int | None, list[Postback]]] = {}

    def missing(self, trackers: Iterable[int]) -> set[int]:
        """The event types among `trackers` whose postbacks have not been added yet."""
        return set(trackers) - self._by_tracker.keys()

    def put(self, tracker: int, postbacks: Iterable[Postback]) -> None:
        """Adds all postbacks of an event type."""
        by_partner: dict[int | None, list[Postback]] = {}
        for postback in postbacks:
            by_partner.setdefault(postback.partner_id, []).append(postback)
        self._by_tracker[tracker] = by_partner

    def matches(self, events: Iterable[ActionEvent]) -> Iterator[tuple[Postback, ActionEvent]]:
        """Yields every (postback, event) that fires, events in the given order."""
        for event in events:
            by_partner = self._by_tracker[event.action.action_tracker_id]
            partner = event.action.partner_id
            for owner in (None,) if partner is None else (partner, None):
                for postback in by_partner.get(owner, ()):
                    if fires(postback, event):
                        yield postback, event


def _owner_takes_it(postback: Postback, event: ActionEvent) -> bool:
    """A partner gets its own actions under a contract term; a network gets all, or those it took part in."""
    action = event.action
    if postback.partner_id is not None:
        return postback.partner_id == action.partner_id and action.contract_term_id is not None
    return postback.scope == Postback.Scope.ALL or postback.media_source_id in action.media_source_ids


def _trigger_takes_it(postback: Postback, event: ActionEvent) -> bool:
    match postback.event_trigger:
        case Postback.EventTrigger.NEW:
            return event.kind == ActionEvent.Kind.CREATED
        case Postback.EventTrigger.CHANGES:
            return event.kind in CHANGES
        case _:
            return True


def _app_event_takes_it(postback: Postback, event: ActionEvent) -> bool:
    """For a mobile app: installs, the chosen in-app event, or either."""
    if not postback.action_tracker.is_mobile_app:
        return True
    code = event.action.event_code
    if postback.install and code == InAppEvent.INSTALL:
        return True
    return postback.in_app_event is not None and postback.in_app_event.code == code
