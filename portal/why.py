"""Why an order did not reach a postback, in words for its owner: nothing of other contracts, conditions or owners."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from actions.models import Action, ActionEvent
from portal.scope import Scope
from postbacks.models import Postback
from postbacks.why.answers import Unfired, answers_of

_WORDS: Final = {
    "event_type": "It is for another kind of event than this order.",
    "in_app_event": "It is for other events of the app.",
    "conditions": "The order does not meet the conditions that are set for this postback.",
    "added": "It was set up after this had happened.",
    "deleted": "It had been deleted by then.",
    "no_record": "It should have been sent, and no record of it is kept. Ask us.",
}
_TRIGGER: Final = {
    Postback.EventTrigger.NEW: "It is for new orders only, and this was a change.",
    Postback.EventTrigger.CHANGES: "It is for changes only, and this was a new order.",
}
_OWNER: Final = {
    True: "Your contract did not cover this order.",
    False: "It is only for orders in which you took part, and this one was reported without you.",
}


@dataclass(frozen=True, slots=True)
class Missed:
    """A postback that was not told, and why."""

    postback: Postback
    reasons: list[str]


@dataclass(slots=True)
class Moment:
    """A new order, or a change of one, that some postback was not told of."""

    at: datetime
    is_new: bool
    missed: list[Missed] = field(default_factory=list)


def why_not(scope: Scope, action: Action, sends: frozenset[int]) -> list[Moment]:
    """What the owner's postbacks were not told of an action that concerns the owner, oldest first. Named are those in
    `sends`, by id: the postbacks that send the value by which the action was asked for."""
    rows = ActionEvent.objects.filter(action=action, kind__in=ActionEvent.NON_STANDARD).order_by("-number")[:20]
    events = sorted(rows, key=lambda event: event.number)
    answers = answers_of(action, events, networks=scope.link.media_source_id is not None, asked_for=scope.owner)
    moments = []
    elsewhere = [Missed(each, [_WORDS["event_type"]]) for each in answers.elsewhere if each.pk in sends]
    for event in events:
        missed = [
            Missed(each.postback, _reasons(scope, each))
            for each in answers.unfired.get(event.pk, [])
            if each.postback.pk in sends
        ]
        missed, elsewhere = [*missed, *elsewhere], []  # Once: it is the same for all events.
        if missed:
            moments.append(Moment(event.recorded_at, event.kind == ActionEvent.Kind.CREATED, missed))
    return moments


def _reasons(scope: Scope, unfired: Unfired) -> list[str]:
    words = {
        **_WORDS,
        "owner": _OWNER[scope.link.partner_id is not None],
        "trigger": _TRIGGER.get(Postback.EventTrigger(unfired.event_trigger), ""),
    }
    found = [words[code] for code in unfired.codes if words.get(code)]
    return found or ["It was not sent. Ask us."]
