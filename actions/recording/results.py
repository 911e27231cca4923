"""What became of one report."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TypeAlias

from actions.models import Action, ActionEvent
from actions.reports.rejected import Rejected
from actions.reports.storable import clean


class Recorded(NamedTuple):
    """It is in the database, and what it fires is on its way."""

    event: ActionEvent


@dataclass(frozen=True, slots=True)
class Repeated:
    """It had been recorded before, for this action; nothing changed."""

    action: Action

    reason_code = "CONV_DUPLICATE"


@dataclass(frozen=True, slots=True)
class RejectedResult:
    """It was refused; `message` says why, `field` names the field at fault or is empty."""

    reason_code: str
    message: str
    field: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A change that came before its order: nothing is recorded yet. It waits `until` then, if its caller keeps it."""

    kind: ActionEvent.Kind
    action_tracker_id: int
    order_id: str
    until: datetime

    @property
    def message(self) -> str:
        return (
            f"There is no action with the order id {self.order_id} of the event type {self.action_tracker_id} yet. "
            f"The change waits for it until {self.until:%Y-%m-%d %H:%M:%S} UTC."
        )


def refused(refusal: Rejected) -> RejectedResult:
    """The refusal as a result, which can be stored and sent whatever it quotes."""
    return RejectedResult(refusal.reason_code, clean(str(refusal)), clean(refusal.field))


Result: TypeAlias = Recorded | Repeated | RejectedResult | Waiting
