"""What a replay sends, after the conditions of postbacks: they are judged again, by the values that it would send."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from django.db import connection

from postbacks.conditions.judging import Conditions, unmet
from postbacks.matching import conditions_of
from postbacks.models import Postback, Replay
from postbacks.replay.current import corrected, present_values
from postbacks.replay.selection import FOLLOWERS, Selection, matched

_AT_ONCE = 500  # Events whose values are in memory.
_NO_FOLLOWERS = "SELECT NULL::bigint AS postback_id, NULL::bigint, NULL::bigint, NULL::bigint WHERE false"
_NOT_REFUSED = """(postback_id, event_id) NOT IN (
    SELECT * FROM unnest(%(refused_postbacks)s::bigint[], %(refused_events)s::bigint[])
)"""


@dataclass(frozen=True, slots=True)
class Choice:
    """Queries for what a replay sends: `matched`, and `followers`, which refers to `matched`; with their parameters.

    `refused` is how many events do not meet the conditions of their postbacks.
    """

    matched: str
    followers: str
    parameters: dict[str, Any]
    refused: int


def chosen(selection: Selection, *, exact: bool, values: str) -> Choice:
    """The events that match, without those that do not meet conditions; with `exact`, no followers."""
    text, parameters = matched(selection)
    followers = _NO_FOLLOWERS if exact else FOLLOWERS
    refused = list(_refused(text, followers, parameters, values))
    if refused:
        text = f"SELECT * FROM ({text}) j WHERE {_NOT_REFUSED}"  # noqa: S608 -- made of constants
        followers = f"SELECT * FROM ({followers}) j WHERE {_NOT_REFUSED}"  # noqa: S608 -- as above
        postbacks, events = zip(*refused, strict=True)
        parameters |= {"refused_postbacks": list(postbacks), "refused_events": list(events)}
    return Choice(text, followers, parameters, len(refused))


def _refused(text: str, followers: str, parameters: dict[str, Any], values: str) -> Iterator[tuple[int, int]]:
    """The postback and the event of each that does not meet the conditions."""
    rows = Postback.objects.existing().exclude(conditions=[]).select_related("action_tracker")
    conditions = {postback.pk: conditions_of(postback) for postback in rows}
    if not conditions:
        return
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            f"""
            WITH matched AS MATERIALIZED ({text})
            SELECT c.postback_id, c.action_id, c.event_id, e.kind, e.parameters::text FROM (
                SELECT postback_id, action_id, event_id FROM matched
                UNION SELECT f.postback_id, f.action_id, f.event_id
                FROM ({followers}) f (postback_id, action_id, event_id, known_as)
            ) c JOIN actions_actionevent e ON e.id = c.event_id
            WHERE c.postback_id = ANY (%(conditional)s)
            """,  # noqa: S608 -- made of constants
            parameters | {"conditional": list(conditions)},
        )
        while found := cursor.fetchmany(_AT_ONCE):
            yield from _judged(found, conditions, values)


def _judged(
    found: list[tuple[int, int, int, str, str]], conditions: dict[int, Conditions], values: str
) -> Iterator[tuple[int, int]]:
    present = present_values({row[1] for row in found}) if values == Replay.Values.CURRENT else {}
    for postback, action, event, kind, text in found:
        sent = orjson.loads(text)
        if present:
            sent = corrected(sent, present[action])
        if unmet(conditions[postback], {**sent, "ActionEvent": kind}) is not None:
            yield postback, event
