"""What time does to actions: they lock on their locking date and clear on their clearing date. Nobody is called for it.

Both dates are fixed when an action is created. A locked action is approved and cannot be changed any more; a cleared
one is to be paid. Each is an event of the action, with the values of that moment. A reversed action does neither; one
that is restored after its locking date locks at the next look.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from actions.models import Action, ActionEvent
from actions.recording.action_state import ActionState
from actions.recording.known_actions import lock_actions
from actions.recording.store import store

ACTIONS_PER_TRANSACTION = 500  # As many as an import takes: their rows are locked for some tenths of a second.

Change = Callable[[ActionState], ActionEvent]


def mature(seconds: float) -> int:
    """Lock and clear what is due, for up to `seconds`; the number of events. What is left is due at the next look."""
    until = time.monotonic() + seconds
    done = 0
    for due, change in ((_due_for_locking, _lock), (_due_for_clearing, _clear)):
        locked: set[int] = set()
        while time.monotonic() < until:
            next_due = due().exclude(pk__in=locked).order_by("pk")
            ids = list(next_due.values_list("pk", flat=True)[:ACTIONS_PER_TRANSACTION])
            if not ids:
                break
            taken = _take(ids, due(), change)
            done += taken.events
            locked |= taken.locked
    return done


def _due_for_locking() -> QuerySet[Action]:
    return Action.objects.filter(status=Action.Status.PENDING, locking_date__lte=timezone.now())


def _due_for_clearing() -> QuerySet[Action]:
    return Action.objects.filter(
        status=Action.Status.APPROVED, cleared_at__isnull=True, clearing_date__lte=timezone.now()
    )


def _lock(state: ActionState) -> ActionEvent:
    """It is approved, and nothing can change it any more. No report says so, so there is no reason either."""
    approved = state.standing._replace(status=Action.Status.APPROVED, status_detail="")
    return state.become(ActionEvent.Kind.LOCKED, approved)


def _clear(state: ActionState) -> ActionEvent:
    """It is to be paid."""
    state.action.cleared_at = timezone.now()
    return state.become(ActionEvent.Kind.CLEARED, state.standing._replace(status_detail=""))


class Taken(NamedTuple):
    events: int
    locked: set[int]  # Actions that somebody else has locked. Their turn is the next look.


@transaction.atomic
def _take(ids: list[int], due: QuerySet[Action], change: Change) -> Taken:
    """The events of those actions that are due still, now that nobody else can change them."""
    free = set(
        Action.objects.select_for_update(skip_locked=True, no_key=True)
        .filter(pk__in=ids)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    states = lock_actions([pk for pk in ids if pk in free])
    still = set(due.filter(pk__in=free).values_list("pk", flat=True))
    states = [state for state in states if state.action.pk in still]
    store(states, [change(state) for state in states])
    return Taken(len(states), set(ids) - free)
