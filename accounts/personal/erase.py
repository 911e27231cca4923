"""Erases the personal data of a customer. Actions, amounts and deliveries stay, without it.

It uses the statements of the nightly pruning, but at once, and also on unfinished deliveries, which then go out without
personal values. A request that is being sent was built earlier, and its text is recorded when it is done. So the
customer id, by which everything is found, is erased last, after those requests.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django.contrib.admin.models import LogEntry as AdminMessage
from django.db import connection, transaction

from accounts.personal.found import Person, find
from actions.intake.catch_up import record_all
from actions.models import Action, ActionEvent, EarlyChange, Submission
from actions.reports.personal import but_personal
from operations.retention.kinds import NOT_PERSONAL, PERSONAL, PERSONAL_DATA, TEXTS
from partners.models import AttributionRule
from postbacks.models import Attempt, Delivery

WAIT_SECONDS: Final = 60  # A request takes at most 15 by default, and is recorded at once.
RECORD_SECONDS: Final = 30  # Of reports that are queued: normally a few, for milliseconds.
_LOOK_EACH_SECONDS: Final = 0.5
_OF_DELIVERIES = """
UPDATE postbacks_delivery SET parameters = parameters - %(personal)s
WHERE id = ANY (%(ids)s::bigint[]) AND parameters ?| %(personal)s
"""


class StillSendingError(RuntimeError):
    """Requests that were built earlier are still being sent. All but their texts and the customer id is erased."""


class StillQueuedError(RuntimeError):
    """Reports that were answered earlier cannot be recorded yet, and may be of the customer. All else is erased."""


@dataclass(frozen=True, slots=True)
class Erased:
    """How many rows lose, or have lost, personal data."""

    actions: int
    events: int
    attempts: int
    submissions: int
    rules: int


def count(person: Person) -> Erased:
    """Counts what `erase` would do now."""
    return Erased(
        actions=len(person.actions),
        events=ActionEvent.objects.filter(action__in=person.actions).count(),
        attempts=Attempt.objects.filter(delivery__in=person.deliveries()).count(),
        submissions=len(person.submissions),
        rules=len(person.rules),
    )


def erase(customer_id: str, sleep: Callable[[float], None] = time.sleep) -> Erased:
    """Finds the customer and erases everything.

    Raises:
        StillSendingError, StillQueuedError: something is left, and the same must be run again.
    """
    queued = record_all(RECORD_SECONDS)  # What is queued is found by no customer's id.
    person = _erase(customer_id, keep_id=True)
    under_way = Delivery.objects.filter(pk__in=person.deliveries(), state=Delivery.State.SENDING)
    waited = 0.0
    while waiting := list(under_way.values_list("pk", flat=True)):
        under_way = Delivery.objects.filter(pk__in=waiting, state=Delivery.State.SENDING)
        if waited >= WAIT_SECONDS:
            raise StillSendingError(
                f"Deliveries {', '.join(map(str, waiting))} are still being sent, with requests that were built "
                "earlier. Everything else is erased. Run the command again in a minute."
            )
        sleep(_LOOK_EACH_SECONDS)
        waited += _LOOK_EACH_SECONDS
    erased = count(find(customer_id))
    _erase(customer_id)
    if queued:
        raise StillQueuedError(
            f"{queued} reports were answered and cannot be recorded yet, because a transaction holds rows; they may be "
            "of this customer. Everything else is erased. Run the command again in a minute."
        )
    return erased


@transaction.atomic
def _erase(customer_id: str, *, keep_id: bool = False) -> Person:
    """Erases everything or nothing; `keep_id` keeps what the customer is found by. Returns the customer."""
    person = find(customer_id)
    early = EarlyChange.objects.filter(submission__in=person.submissions)
    if early.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True):
        person = find(customer_id)  # What has been taken meanwhile is with its action now.
    # Recording an event locks its action too, so later events are based on the action as this leaves it.
    list(Action.objects.select_for_update(no_key=True).filter(pk__in=person.actions).order_by("pk").only("pk"))
    deliveries = person.deliveries()
    attempts = Attempt.objects.filter(delivery__in=deliveries).values_list("pk", flat=True)
    events = ActionEvent.objects.filter(action__in=person.actions).values_list("pk", flat=True)
    kept = [*NOT_PERSONAL, *person.names] if keep_id else NOT_PERSONAL
    names: dict[str, Any] = {"personal": PERSONAL, "not_personal": kept, "before": "infinity"}
    with connection.cursor() as cursor:
        cursor.execute(TEXTS.prune, {"ids": list(attempts), **names})
        cursor.execute(_OF_DELIVERIES, {"ids": deliveries, **names})
        cursor.execute(PERSONAL_DATA.prune, {"ids": list(events), **names})
    if not keep_id:
        _erase_submissions(person.submissions)
        _erase_rules(person.rules)
    return person


def _erase_submissions(keys: list[int]) -> None:
    """Erases what was reported. Of a change that waits for its order, all that is not personal is still needed."""
    waiting = list(Submission.objects.filter(pk__in=keys, result=Submission.Result.WAITING))
    Submission.objects.filter(pk__in=keys).update(fields={}, notes=[], message="")
    for submission in waiting:
        Submission.objects.filter(pk=submission.pk).update(fields=but_personal(submission.fields))


def _erase_rules(keys: list[int]) -> None:
    """Deletes rules, which are pointless without the customer, and their names in the admin's own log."""
    kind = {"content_type__app_label": "partners", "content_type__model": "attributionrule"}
    AdminMessage.objects.filter(**kind, object_id__in=map(str, keys)).update(object_repr="attribution rule")
    for rule in AttributionRule.objects.filter(pk__in=keys):
        rule.delete()
