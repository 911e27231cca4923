"""Finds deliveries by what their receiver knows of them: `{DeliveryId}`, and the ids of orders that its template sends.

A value that no template of the owner sends is not searched, and what is found but another's is left out by the same
statements that find nothing for what does not exist.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from django.db.models.fields.json import KT

from actions.models import Action
from actions.reports.report import ACTION_ID
from portal.scope import Scope
from portal.shown.sent import CLICK_ID, ORDER_ID, SEARCHED, sent_by
from portal.why import Moment, why_not
from postbacks.database import as_array
from postbacks.delivery_log.find import own_ids
from stores.replica import reading

MOST: Final = 100  # Deliveries of one search.
_MOST_ACTIONS: Final = 100  # Of one order id or click; a real one has a handful.
_EXPLAINED: Final = 3  # The newest; each takes some queries.
# By the index of the events; OFFSET 0 keeps the planner from walking along another one. The statement is the same for
# orders of others and for those that do not exist, so the time it takes does not tell them apart.
_OF_ACTIONS: Final = """
SELECT d.id FROM (
    SELECT id FROM actions_actionevent WHERE action_id = ANY (%(actions)s::bigint[]) OFFSET 0
) e CROSS JOIN LATERAL (
    SELECT id, postback_id FROM postbacks_delivery WHERE event_id = e.id OFFSET 0
) d WHERE d.postback_id = ANY (%(postbacks)s::bigint[]) ORDER BY d.id DESC LIMIT %(limit)s
"""
_NAMED_BY_NUMBER: Final = """
SELECT id FROM postbacks_delivery WHERE id = ANY (%(ids)s::bigint[]) AND postback_id = ANY (%(postbacks)s::bigint[])
"""


@dataclass(slots=True)
class Found:
    """Ids of deliveries, the newest first, and what the order that was asked for did not reach."""

    ids: list[int] = field(default_factory=list)
    missed: list[Moment] = field(default_factory=list)

    @property
    def nothing(self) -> bool:
        return not self.ids and not self.missed


def find(scope: Scope, term: str) -> Found:
    """What the term names among what is the owner's."""
    found = set(_in_scope(scope, own_ids(term)))
    missed: list[Moment] = []
    senders = _senders(scope)
    for name in SEARCHED:
        actions = _actions(name, term)
        found |= _deliveries(actions, senders[name])
        if senders[name]:
            missed += _missed(scope, actions, senders[name])
    return Found(sorted(found, reverse=True)[:MOST], missed)


def searchable(scope: Scope) -> list[str]:
    """What a reader may search by, in words: only what is sent."""
    senders = _senders(scope)
    return [label.lower() for name, label in SEARCHED.items() if senders[name]]


def _senders(scope: Scope) -> dict[str, frozenset[int]]:
    """By each value that tells orders apart, the postbacks that send it."""
    sent = {pk: sent_by(postback) for pk, postback in scope.every_postback.items()}
    return {name: frozenset(pk for pk, names in sent.items() if name in names) for name in SEARCHED}


def _actions(name: str, term: str) -> list[Action]:
    rows = Action.objects.defer("reported").order_by("-pk")
    if name == ORDER_ID:
        return list(rows.filter(order_id=term)[:_MOST_ACTIONS])
    if name == CLICK_ID:
        clicks = rows.alias(click=KT("reported__RefClickId")).filter(click=term, reported__has_key=CLICK_ID)
        return list(clicks[:_MOST_ACTIONS])
    form = ACTION_ID.fullmatch(term)
    key = int(form[3]) if form and len(form[3]) < 19 else -1
    return [action for action in rows.filter(pk=key) if action.action_id == term]


def _deliveries(actions: Iterable[Action], postbacks: Iterable[int]) -> set[int]:
    values: dict[str, Any] = {
        "actions": as_array(action.pk for action in actions),
        "postbacks": as_array(postbacks),
        "limit": MOST,
    }
    with reading.cursor() as cursor:
        cursor.execute(_OF_ACTIONS, values)
        return {pk for (pk,) in cursor.fetchall()}


def _in_scope(scope: Scope, ids: list[int]) -> list[int]:
    with reading.cursor() as cursor:
        values = {"ids": as_array(ids), "postbacks": as_array(scope.every_postback)}
        cursor.execute(_NAMED_BY_NUMBER, values)
        return [pk for (pk,) in cursor.fetchall()]


def _missed(scope: Scope, actions: Iterable[Action], postbacks: frozenset[int]) -> list[Moment]:
    own = [action for action in actions if scope.concerns(action)][:_EXPLAINED]
    return [moment for action in own for moment in why_not(scope, action, postbacks)]
