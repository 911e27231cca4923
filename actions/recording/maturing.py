"""What time does to actions: they lock on their locking date and clear on their clearing date. Nobody is called for it.

Both dates are fixed when an action is created. A locked action is approved and cannot be changed any more; a cleared
one is to be paid. Each is an event of the action, with the values of that moment. A reversed action does neither; one
that is restored after its locking date locks at the next look.

One that the database refuses, or that meets an error of ours, is left out, and tried again at the next look; it does
not keep the others back.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from actions.models import Action, ActionEvent
from actions.recording.action_state import ActionState
from actions.recording.known_actions import lock_actions
from actions.recording.refusals import concerns_one, is_refusal, named, taken_apart
from actions.recording.store import store, take_ids

ACTIONS_PER_TRANSACTION = 500  # As many as an import takes: their rows are locked for some tenths of a second.

Change = Callable[[ActionState], ActionEvent]

_log = logging.getLogger(__name__)


def mature(seconds: float) -> int:
    """Lock and clear what is due, for up to `seconds`; the number of events. What is left is due at the next look."""
    until = time.monotonic() + seconds
    done = 0
    for due, change in ((_due_for_locking, _lock), (_due_for_clearing, _clear)):
        last = 0
        while time.monotonic() < until:
            ids = list(due().filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:ACTIONS_PER_TRANSACTION])
            if not ids:
                break
            last = ids[-1]
            done += _take(ids, due(), change)
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


def _take(ids: list[int], due: QuerySet[Action], change: Change) -> int:
    """The number of those that are due still and have changed."""

    def take(some: Sequence[int]) -> list[bool]:
        return _change(some, due, change)

    refusals: list[tuple[int, Exception]] = []

    def refuse(pk: int, error: Exception) -> bool:
        refusals.append((pk, error))
        return False

    with transaction.atomic():
        done = sum(taken_apart(ids, take, refuse, concerns_one))
    if refusals:
        pk, error = refusals[0]
        text = "%d actions cannot be locked or cleared; the first, %d: %s."
        _log.error(text, len(refusals), pk, named(error), exc_info=None if is_refusal(error) else error)
    return done


def _change(ids: Sequence[int], due: QuerySet[Action], change: Change) -> list[bool]:
    """Which of the actions have changed: those that are due still, now that nobody else can change them.

    What somebody else has locked waits for the next look.
    """
    free = set(
        Action.objects.select_for_update(skip_locked=True, no_key=True)
        .filter(pk__in=ids)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    still = set(due.filter(pk__in=free).values_list("pk", flat=True))
    states = lock_actions([pk for pk in ids if pk in still])
    events = [change(state) for state in states]
    take_ids(events)
    store(states, events)
    return [pk in still for pk in ids]
