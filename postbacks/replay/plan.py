"""Plans a replay: counts what it would send, says why it is nothing, and writes the rows of what it will send."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
from django.contrib.auth.models import User
from django.db import connection, transaction

from postbacks.models import Postback, Replay
from postbacks.preview import configured_request
from postbacks.replay.current import corrected, present_values
from postbacks.replay.judged import Choice, chosen
from postbacks.replay.selection import Selection, candidates
from postbacks.request.building import RequestErrors, Unbuildable, compile_request

SHOWN_REQUESTS = 3


class NothingMatchedError(ValueError):
    """No delivery is selected; the text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Count:
    """What one postback would get: the events that match, and later ones that follow them."""

    postback: Postback
    matched: int
    following: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What a replay would send. `first` holds the first requests, as `METHOD URL` or the reason why there is none."""

    selection: Selection
    counts: list[Count]
    first: list[str]

    @property
    def total(self) -> int:
        return sum(count.matched + count.following for count in self.counts)

    @property
    def following(self) -> int:
        return sum(count.following for count in self.counts)


def plan(selection: Selection, *, exact: bool = False, values: str = Replay.Values.AS_SENT) -> Plan:
    """Counts what a replay of `selection` would send; writes nothing.

    Raises NothingMatchedError.
    """
    choice = chosen(selection, exact=exact, values=values)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH matched AS MATERIALIZED ({choice.matched})
            SELECT postback_id, sum(matched)::bigint, sum(following)::bigint FROM (
                SELECT postback_id, count(*) AS matched, 0 AS following FROM matched GROUP BY postback_id
                UNION ALL
                SELECT postback_id, 0, count(*) FROM ({choice.followers}) f GROUP BY postback_id
            ) c GROUP BY postback_id ORDER BY postback_id
            """,  # noqa: S608 -- made of constants
            choice.parameters,
        )
        rows = cursor.fetchall()
    if not rows:
        raise NothingMatchedError(_why_nothing(selection, choice))
    postbacks = Postback.objects.select_related("partner", "media_source").in_bulk([row[0] for row in rows])
    counts = [Count(postbacks[postback], matching, following) for postback, matching, following in rows]
    return Plan(selection, counts, _first_requests(choice, values))


@transaction.atomic
def start(
    selection: Selection,
    *,
    described: str,
    values: str = Replay.Values.AS_SENT,
    exact: bool = False,
    rate: int | None = None,
    user: User | None = None,
) -> Replay:
    """Creates the replay, with a row for each delivery that it will make. Raises NothingMatchedError."""
    replay = Replay.objects.create(
        selection=selection.as_json(), described=described, values=values, exact=exact, rate=rate, created_by=user
    )
    choice = chosen(selection, exact=exact, values=values)
    known_as = "NULL::bigint" if values == Replay.Values.CURRENT else "known_as"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH matched AS MATERIALIZED ({choice.matched})
            INSERT INTO postbacks_replayitem (replay_id, postback_id, action_id, event_id, known_as)
            SELECT %(replay)s, postback_id, action_id, event_id, {known_as} FROM (
                SELECT postback_id, action_id, event_id, known_as FROM matched
                UNION ALL {choice.followers}
            ) c ORDER BY action_id, postback_id, event_id
            """,  # noqa: S608 -- made of constants
            choice.parameters | {"replay": replay.pk},
        )
        replay.planned = cursor.rowcount
    if not replay.planned:
        raise NothingMatchedError(_why_nothing(selection, choice))
    replay.save(update_fields=["planned"])
    return replay


def _first_requests(choice: Choice, values: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT m.postback_id, m.action_id, e.parameters::text, e.kind, m.sent_as
            FROM (SELECT * FROM ({choice.matched}) m ORDER BY action_id, postback_id, event_id LIMIT %(shown)s) m
            JOIN actions_actionevent e ON e.id = m.event_id ORDER BY m.action_id, m.postback_id, m.event_id
            """,  # noqa: S608 -- made of constants
            choice.parameters | {"shown": SHOWN_REQUESTS},
        )
        rows = cursor.fetchall()
    present = present_values({row[1] for row in rows}) if values == Replay.Values.CURRENT else {}
    return [_request(row, present) for row in rows]


def _request(row: tuple[int, int, str, str, str | None], present: dict[int, dict[str, Any]]) -> str:
    postback_id, action_id, parameters, kind, sent_as = row
    values = orjson.loads(parameters)
    if present:
        values = corrected(values, present[action_id])
    values |= {"ActionEvent": kind, "Attempt": "1", "DeliveryId": "" if present else sent_as or ""}
    configured = configured_request(postback_id)
    if configured is None:
        return "The postback was deleted."
    template, hidden = configured
    try:
        request = compile_request(template, hidden, as_stored=True).build(values)
    except (RequestErrors, Unbuildable) as error:
        return f"Action {values.get('ActionId', action_id)}: no request can be built. {error}"
    return f"{request.method} {request.url}"


def _why_nothing(selection: Selection, choice: Choice) -> str:
    if choice.refused:
        return f"None of the {choice.refused:,} that match meets the conditions of its postback."
    text, parameters = candidates(selection)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT count(*), count(*) FILTER (WHERE waiting), count(*) FILTER (WHERE NOT waiting AND delivered)
            FROM ({text}) c
            """,  # noqa: S608 -- made of constants
            parameters,
        )
        total, waiting, delivered = cursor.fetchone()
    if total == 0:
        if selection.to_postback is not None:
            return "No recorded event matches both these filters and the setup of the postback."
        return (
            "No postback has had a delivery for an event that matches these filters. Widen them; or, to send events to "
            "a postback that was created after them, name it with --to-postback."
        )
    if waiting == total:
        return f"All {total:,} that match are still waiting to be sent: nothing needs to be sent again."
    if selection.never_delivered and delivered + waiting == total:
        return f"All {total:,} that match were delivered or are still waiting: leave out --never-delivered."
    return f"None of the {total:,} that match has failed since it was last delivered: leave out --failed-only."
