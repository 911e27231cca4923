"""Which postbacks an action event fires, and why it does not fire the others.

Pure: it looks only at the event, its action and the postback. Each rule says both whether it takes an event and, in
words, why it does not, so that what operators read is what was decided.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple, TypeAlias

from actions.models import ActionEvent
from actions.recording.rows import action_of
from partners.models import InAppEvent
from postbacks.conditions.judging import NONE, Conditions, compile_conditions, unmet
from postbacks.models import Postback

_Likeness: TypeAlias = tuple[Any, ...]

CHANGES = (ActionEvent.Kind.MODIFIED, ActionEvent.Kind.REVERSED, ActionEvent.Kind.RESTORED)


class Rule(NamedTuple):
    """A condition for firing. `takes` is asked for each event and postback; `why_not` only where somebody wants to know
    why an event that it does not take fired nothing: a sentence."""

    name: str
    takes: Callable[[Postback, ActionEvent], bool]
    why_not: Callable[[Postback, ActionEvent], str]


class Refusal(NamedTuple):
    """The rule by its name, and its sentence."""

    rule: str
    text: str


def fires(postback: Postback, event: ActionEvent) -> bool:
    """True if `event` (with its `action` loaded) fires `postback` (with tracker and in-app event loaded)."""
    return _fires_any(event) and _fires_this(postback, event)


def refusals(postback: Postback, event: ActionEvent) -> list[Refusal]:
    """Why `event` does not fire `postback`: every rule that does not take it; none if it fires.

    Their owners, and the action's partner and event type, are named, so they should be loaded.
    """
    return [Refusal(rule.name, rule.why_not(postback, event)) for rule in RULES if not rule.takes(postback, event)]


def conditions_of(postback: Postback) -> Conditions:
    """The compiled conditions of a postback with its event type loaded, if it has one yet; kept by content."""
    if not postback.conditions:
        return NONE
    hidden = postback.action_tracker.hidden_parameters if postback.action_tracker_id else ()
    return compile_conditions(postback.conditions, postback.conditions_match, hidden)


def unmet_conditions(postback: Postback, event: ActionEvent, *, personal: bool = True) -> str | None:
    """Why the values of `event` do not meet the conditions of `postback`, in words; None if they do, or it has none.

    Without `personal`, the words tell no value of a personal parameter.
    """
    return unmet(conditions_of(postback), judged_values(event), personal=personal) if postback.conditions else None


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
        found: dict[_Likeness, list[Postback]] = {}  # Most events of a file are like earlier ones.
        for event in events:
            likeness = _likeness(event)
            postbacks = found.get(likeness)
            if postbacks is None:
                postbacks = found[likeness] = self._taking(event) if _fires_any(event) else []
            for postback in postbacks:
                if _conditions_take_it(postback, event):
                    yield postback, event

    def _taking(self, event: ActionEvent) -> list[Postback]:
        """The postbacks that take `event` as far as their conditions do too."""
        by_partner = self._by_tracker[event.action.action_tracker_id]
        partner = event.action.partner_id
        owners = (None,) if partner is None else (partner, None)
        return [each for owner in owners for each in by_partner.get(owner, ()) if _takes_alike(each, event)]


def _fires_any(event: ActionEvent) -> bool:
    return event.kind in ActionEvent.NON_STANDARD


def _likeness(event: ActionEvent) -> _Likeness:
    """What the rules look at, but for the conditions: they take all events alike in this, or none."""
    action = action_of(event)
    return (
        event.kind,
        action["action_tracker_id"],
        action["partner_id"],
        action["contract_term_id"] is None,
        action["event_code"],
        *action["media_source_ids"],
    )


def _fires_this(postback: Postback, event: ActionEvent) -> bool:
    return _takes_alike(postback, event) and _conditions_take_it(postback, event)


def _takes_alike(postback: Postback, event: ActionEvent) -> bool:
    return all(takes(postback, event) for takes in _TAKES_ALIKE)


def _kind_takes_it(_: Postback, event: ActionEvent) -> bool:
    return _fires_any(event)


def _why_not_kind(_: Postback, event: ActionEvent) -> str:
    return f"No postback fires on {event.get_kind_display().lower()} events: the contract fixes their dates."


def _event_type_takes_it(postback: Postback, event: ActionEvent) -> bool:
    return postback.action_tracker_id == event.action.action_tracker_id


def _why_not_event_type(postback: Postback, event: ActionEvent) -> str:
    return f"It is for the event type {postback.action_tracker}; the action is of {event.action.action_tracker}."


def _owner_takes_it(postback: Postback, event: ActionEvent) -> bool:
    """A partner gets its own actions under a contract term; a network gets all, or those it took part in."""
    action = event.action
    if postback.partner_id is not None:
        return postback.partner_id == action.partner_id and action.contract_term_id is not None
    return postback.scope == Postback.Scope.ALL or postback.media_source_id in action.media_source_ids


def _why_not_owner(postback: Postback, event: ActionEvent) -> str:
    action = event.action
    if postback.partner_id is None:
        return "It is only for actions that its network took part in; this one was reported without the network."
    if action.partner_id is None:
        return "The action is credited to no partner."
    if postback.partner_id != action.partner_id:
        return f"The action is credited to {action.partner}."
    return "No contract term of the partner covers the action."


def _trigger_takes_it(postback: Postback, event: ActionEvent) -> bool:
    match postback.event_trigger:
        case Postback.EventTrigger.NEW:
            return event.kind == ActionEvent.Kind.CREATED
        case Postback.EventTrigger.CHANGES:
            return event.kind in CHANGES
        case _:
            return True


def _why_not_trigger(postback: Postback, event: ActionEvent) -> str:
    kind = event.get_kind_display().lower()
    return f"Its Event Trigger is {postback.get_event_trigger_display()}; this event is {kind}."


def _app_event_takes_it(postback: Postback, event: ActionEvent) -> bool:
    """For a mobile app: installs, the chosen in-app event, or either."""
    if not postback.action_tracker.is_mobile_app:
        return True
    code = event.action.event_code
    if postback.install and code == InAppEvent.INSTALL:
        return True
    return postback.in_app_event is not None and postback.in_app_event.code == code


def _why_not_app_event(postback: Postback, event: ActionEvent) -> str:
    wanted = [InAppEvent.INSTALL] if postback.install else []
    if postback.in_app_event is not None:
        wanted.append(postback.in_app_event.code)
    return f"It fires on {' and '.join(wanted) or 'no in-app event'}; this action is {event.action.event_code}."


def _conditions_take_it(postback: Postback, event: ActionEvent) -> bool:
    return not postback.conditions or unmet_conditions(postback, event) is None


def _why_not_conditions(postback: Postback, event: ActionEvent) -> str:
    # Whoever may read why may not always see who the customer is.
    return f"Its conditions are not met: {unmet_conditions(postback, event, personal=False)}."


# Asked once for each event.
_KIND: Final = Rule("kind", _kind_takes_it, _why_not_kind)
# Looks at every value, so events that are alike for the other rules may differ here.
_CONDITIONS: Final = Rule("conditions", _conditions_take_it, _why_not_conditions)
# Asked for each postback of its event type.
_OF_POSTBACKS: Final = (
    Rule("event_type", _event_type_takes_it, _why_not_event_type),
    Rule("owner", _owner_takes_it, _why_not_owner),
    Rule("trigger", _trigger_takes_it, _why_not_trigger),
    Rule("in_app_event", _app_event_takes_it, _why_not_app_event),
    _CONDITIONS,
)
RULES: Final = (_KIND, *_OF_POSTBACKS)
"""All rules. An event fires a postback if each of them takes it."""
_TAKES_ALIKE: Final = tuple(rule.takes for rule in _OF_POSTBACKS if rule is not _CONDITIONS)
