"""The timeline of an action: its events, and the deliveries that each one fired."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from actions.models import Action, ActionEvent
from postbacks.delivery_log.words import label_of, text_of
from postbacks.models import Delivery
from postbacks.why.answers import Unfired

MOST_EVENTS: Final = 100  # The latest; for more, see the log.
MOST_DELIVERIES: Final = 500  # The latest of those.
_TOLD = ("Status", "Amount", "DeltaAmount", "Payout", "DeltaPayout")


@dataclass(frozen=True, slots=True)
class Fired:
    """A delivery that an event fired, and its state."""

    delivery: Delivery
    label: str
    text: str

    @property
    def again(self) -> bool:
        """Whether the receiver knows it as an earlier one. Deliveries that were sent may name themselves."""
        return self.delivery.known_as not in (None, self.delivery.pk)


@dataclass(slots=True)
class Moment:
    """An event. `values` has the parameters that show what it changed, by name; `fired` is None if the user may not see
    deliveries. `unfired` is filled in where it is told too."""

    event: ActionEvent
    values: list[tuple[str, str]]
    fired: list[Fired] | None
    unfired: list[Unfired] = field(default_factory=list)

    @property
    def fires(self) -> bool:
        """Whether events of this kind fire postbacks at all."""
        return self.event.kind in ActionEvent.NON_STANDARD


def timeline_of(action: Action, *, deliveries: bool, networks: bool) -> list[Moment]:
    """The latest events, oldest first, in two queries."""
    events = list(ActionEvent.objects.filter(action=action).order_by("-number")[:MOST_EVENTS])[::-1]
    fired = _fired(events, networks=networks) if deliveries else None
    return [
        Moment(event, _told(event.parameters), None if fired is None else fired.get(event.pk, [])) for event in events
    ]


def _fired(events: Iterable[ActionEvent], *, networks: bool) -> dict[int, list[Fired]]:
    rows = Delivery.objects.filter(event__in=[event.pk for event in events])
    if not networks:
        rows = rows.filter(postback__media_source__isnull=True)
    rows = rows.select_related("postback__partner", "postback__media_source", "postback__lane").defer("parameters")
    found: dict[int, list[Fired]] = {}
    for delivery in reversed(rows.order_by("-pk")[:MOST_DELIVERIES]):
        found.setdefault(delivery.event_id, []).append(Fired(delivery, label_of(delivery), text_of(delivery)))
    return found


def _told(parameters: dict[str, Any]) -> list[tuple[str, str]]:
    return [(name, str(parameters[name])) for name in _TOLD if parameters.get(name) not in (None, "")]
