"""Finds the data of one customer."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

from partners.models import AttributionRule
from postbacks.models import Delivery

# Earlier releases kept fields of refused reports, and unknown ones of actions, as their names were spelt. A number of
# JSON counts as its text.
_SAYS_SO = r"""
    regexp_replace(said.name, '[\s_-]+', '', 'g') ILIKE 'CustomerId' AND btrim(said.value) = %(value)s
"""
_OF_ACTIONS = f"""
SELECT DISTINCT a.id, said.name FROM actions_action a, jsonb_each_text(a.reported) said (name, value)
WHERE {_SAYS_SO}
"""  # noqa: S608 -- made of constants
_OF_SUBMISSIONS = f"""
SELECT id FROM actions_submission s
WHERE action_id = ANY (%(actions)s::bigint[])
   OR (fields <> '{{}}' AND EXISTS (SELECT 1 FROM jsonb_each_text(s.fields) said (name, value) WHERE {_SAYS_SO}))
ORDER BY id
"""  # noqa: S608 -- as above


@dataclass(frozen=True, slots=True)
class Person:
    """The ids of the rows, oldest first."""

    customer_id: str
    actions: list[int]
    submissions: list[int]
    rules: list[int]
    names: tuple[str, ...] = ()  # Under which the actions have the customer's id.

    def __bool__(self) -> bool:
        return bool(self.actions or self.submissions or self.rules)

    def deliveries(self) -> list[int]:
        rows = Delivery.objects.filter(event__action__in=self.actions).order_by("pk")
        return list(rows.values_list("pk", flat=True))


def find(customer_id: str) -> Person:
    """Reads every action once: nothing else searches by customer, so an index would not pay."""
    with connection.cursor() as cursor:
        cursor.execute(_OF_ACTIONS, {"value": customer_id})
        found = cursor.fetchall()
        actions = sorted({key for key, _ in found})
        cursor.execute(_OF_SUBMISSIONS, {"value": customer_id, "actions": actions})
        submissions = [key for (key,) in cursor.fetchall()]
    rules = AttributionRule.objects.filter(key=AttributionRule.Key.CUSTOMER_ID, value=customer_id).order_by("pk")
    names = tuple(sorted({name for _, name in found}))
    return Person(customer_id, actions, submissions, list(rules.values_list("pk", flat=True)), names)
