"""Finds the data of one customer."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q

from actions.models import Action, Submission
from partners.ids import read_id
from partners.models import AttributionRule
from postbacks.models import Delivery

FIELD = "CustomerId"


@dataclass(frozen=True, slots=True)
class Person:
    """The ids of the rows, oldest first."""

    customer_id: str
    actions: list[int]
    submissions: list[int]
    rules: list[int]

    def __bool__(self) -> bool:
        return bool(self.actions or self.submissions or self.rules)

    def deliveries(self) -> list[int]:
        rows = Delivery.objects.filter(event__action__in=self.actions).order_by("pk")
        return list(rows.values_list("pk", flat=True))


def find(customer_id: str) -> Person:
    """Reads every action once: nothing else searches by customer, so an index would not pay."""
    by_field = Q(**{f"reported__{FIELD}": customer_id})
    actions = list(Action.objects.filter(by_field).order_by("pk").values_list("pk", flat=True))
    reported = Q(action__in=actions) | Q(**{f"fields__{FIELD}": customer_id})
    number = read_id(customer_id)
    if number is not None:
        reported |= Q(**{f"fields__{FIELD}": number})  # A JSON number, as reported.
    submissions = Submission.objects.filter(reported).order_by("pk").values_list("pk", flat=True)
    rules = AttributionRule.objects.filter(key=AttributionRule.Key.CUSTOMER_ID, value=customer_id).order_by("pk")
    return Person(customer_id, actions, list(submissions), list(rules.values_list("pk", flat=True)))
