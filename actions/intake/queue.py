"""The rows of reports that have been answered and are not recorded yet, and the statements on them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final

import django.db
from django.db import connection

from actions.intake.taken import Taken, take
from actions.intake.text import from_text, to_text
from actions.intake.traced import note_each
from actions.models import ApiToken
from actions.recording.planned import Planned, plan_once, was_mixed_up
from actions.recording.submissions import MAX_ORDER_ID
from actions.reports.report import Report
from actions.reports.storable import clean

# The sequence is looked up once for a statement, not for each row.
NEXT_ID: Final = "nextval((SELECT pg_get_serial_sequence('actions_submission', 'id')::regclass))"
# The ids rise in the order of the rows, and are given only here: what was answered before has a smaller one.
PUT: Final = Planned(
    "put_reports",
    f"""
INSERT INTO actions_queuedreport (id, token_id, kind, received_at, order_id, fields)
SELECT {NEXT_ID}, token_id, kind, received_at, order_id, fields FROM (
    SELECT * FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::text[], %s::text[]) WITH ORDINALITY
        AS v (token_id, kind, received_at, order_id, fields, place)
    ORDER BY place
) v
RETURNING id
""",  # noqa: S608 -- a constant
)
# The same where some of them are traced.
PUT_TRACED: Final = f"""
INSERT INTO actions_queuedreport (id, token_id, kind, received_at, order_id, fields, trace)
SELECT {NEXT_ID}, token_id, kind, received_at, order_id, fields, trace FROM (
    SELECT * FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::text[], %s::text[], %s::text[])
        WITH ORDINALITY AS v (token_id, kind, received_at, order_id, fields, trace, place)
    ORDER BY place
) v
RETURNING id
"""  # noqa: S608 -- a constant
# The process that deletes the rows records them. An earlier report of the same order may still be with another process.
CLAIM: Final = Planned(
    "claim_reports",
    """
WITH mine AS (DELETE FROM actions_queuedreport WHERE id = ANY(%s) RETURNING id)
SELECT (SELECT count(*) FROM mine), EXISTS (
    SELECT FROM actions_queuedreport WHERE order_id = ANY(%s::text[]) AND id < %s AND id <> ALL(%s)
)
""",
)
# The same for reports that come without a row, behind all that were answered before.
BEGIN: Final = Planned(
    "begin_reports",
    f"""
SELECT ARRAY(SELECT {NEXT_ID} FROM generate_series(1, %s)), EXISTS (
    SELECT FROM actions_queuedreport WHERE order_id = ANY(%s::text[])
)
""",  # noqa: S608 -- a constant
)
_COLUMNS: Final = "id, token_id, kind, received_at, order_id, fields, trace"
OF_ORDERS: Final = f"""
SELECT {_COLUMNS} FROM actions_queuedreport
WHERE id = ANY(%s::bigint[]) OR (order_id = ANY(%s::text[]) AND (%s::bigint IS NULL OR id < %s)) ORDER BY id
"""  # noqa: S608 -- constants
LEFT: Final = f"""
SELECT {_COLUMNS} FROM actions_queuedreport
WHERE queued_at < clock_timestamp() - make_interval(secs => %s) AND id > %s ORDER BY id LIMIT %s
"""  # noqa: S608 -- constants
ORDERS_OF_ACTIONS: Final = "SELECT id, order_id FROM actions_action WHERE id = ANY(%s)"
YOUNG: Final = """
SELECT max(id) FROM actions_queuedreport
WHERE queued_at > clock_timestamp() - make_interval(secs => %s) AND (%s::bigint IS NULL OR id <= %s)
"""


def put(taken: Sequence[Taken], limits: str = "") -> None:
    """Keep these reports until they are recorded; they get their ids. One statement, which commits by itself.

    `limits` are settings that go before it.
    """
    plan_once()
    try:
        _put(taken, limits)
    except django.db.Error as error:
        if not was_mixed_up(error):
            raise
        _put(taken, limits)


def _put(taken: Sequence[Taken], limits: str) -> None:
    began, statement = time.time(), PUT.text
    columns: list[list[Any]] = [
        [each.token.pk for each in taken],
        [str(each.kind) for each in taken],
        [each.received_at for each in taken],
        [each.order_id for each in taken],
        [to_text(each.fields) for each in taken],
    ]
    traces = [each.trace for each in taken]
    if any(traces):
        statement = PUT_TRACED
        columns.append(traces)
    for each, (pk,) in zip(taken, _asked(limits + statement, columns), strict=True):
        each.id, each.is_queued = pk, True
    note_each("keep", taken, began)


def claim(taken: Sequence[Taken], limits: str = "") -> bool:
    """Take these reports, in the transaction that records them; those without an id get one.

    Returns whether they can be recorded now: each row is still there, and no earlier one is of the same orders.
    """
    orders = sorted({each.order_id for each in taken if each.order_id})
    queued = [each.id for each in taken if each.is_queued]
    if queued:
        ((deleted, blocked),) = _asked(limits + CLAIM.text, (queued, orders, max(filter(None, queued)), queued))
        if blocked or deleted < len(queued):
            return False
    new = [each for each in taken if not each.is_queued]
    if new:
        ((ids, blocked),) = _asked(limits + BEGIN.text, (len(new), orders))
        for each, pk in zip(new, ids, strict=True):
            each.id = pk
        return not blocked
    return True


def regrouped(taken: Sequence[Taken]) -> list[Taken]:
    """Those of these reports that nobody else has taken, and before them the earlier ones of the same orders."""
    own = {each.id: each for each in taken if each.is_queued}
    new = [each for each in taken if not each.is_queued]
    last = None if new else max(filter(None, own), default=0)
    orders = [each.order_id for each in taken if each.order_id]
    found = {each.id: each for each in _read(OF_ORDERS, (list(own), orders, last, last))}
    return [own.get(pk, each) for pk, each in found.items()] + new


def new_ids(number: int) -> list[int]:
    """Ids for as many submissions."""
    ((ids, _),) = _asked(BEGIN.text, (number, []))
    return list(ids)


def of_orders(order_ids: Sequence[str]) -> list[Taken]:
    """All reports of these orders."""
    return _read(OF_ORDERS, ([], order_ids, None, None))


def left(seconds: float, after: int, most: int) -> list[Taken]:
    """Reports that nobody has recorded for so long: their process has ended, or something was in the way."""
    return _read(LEFT, (seconds, after, most))


def with_orders(taken: Sequence[Taken]) -> None:
    """Note of changes by ActionId which orders they are of. One query where there are such, otherwise none."""
    by_action = {
        each.report.action_id[2]: each
        for each in taken
        if isinstance(each.report, Report) and each.report.action_id and not each.order_id
    }
    if by_action:
        orders = dict(_asked(ORDERS_OF_ACTIONS, (list(by_action),)))
        for each in taken:
            if isinstance(each.report, Report) and each.report.action_id and not each.order_id:
                each.order_id = orders.get(each.report.action_id[2], "")


def orders_of(reports: Sequence[Report]) -> list[str]:
    """The orders that these reports name, by themselves or by an action."""
    named = [clean(report.order_id)[:MAX_ORDER_ID] for report in reports if report.order_id]
    by_action = [report.action_id[2] for report in reports if report.action_id and not report.order_id]
    return named + ([order for _, order in _asked(ORDERS_OF_ACTIONS, (by_action,))] if by_action else [])


def newest() -> int:
    """The greatest id of a report that is queued now; 0 without any."""
    ((found,),) = _asked("SELECT coalesce(max(id), 0) FROM actions_queuedreport", ())
    return int(found)


def number(up_to: int) -> int:
    """How many reports up to this id are queued."""
    ((found,),) = _asked("SELECT count(*) FROM actions_queuedreport WHERE id <= %s", (up_to,))
    return int(found)


def youngest(seconds: float, up_to: int | None = None) -> int | None:
    """The greatest id, up to this one, of reports that have been queued for less than so long; None without any."""
    ((found,),) = _asked(YOUNG, (seconds, up_to, up_to))
    return None if found is None else int(found)


def _read(statement: str, values: Sequence[Any]) -> list[Taken]:
    rows = _asked(statement, values)
    tokens = ApiToken.objects.in_bulk({row[1] for row in rows}) if rows else {}
    return [_taken(row, tokens[row[1]]) for row in rows]


def _taken(row: Sequence[Any], token: ApiToken) -> Taken:
    pk, _, kind, received_at, order_id, fields, trace = row
    found = take(token, kind, from_text(fields), received_at)
    if isinstance(found.report, Report) and found.report.trace != trace:
        found.report = found.report._replace(trace=trace)  # Not that of whoever reads it.
    found.id, found.order_id, found.is_queued = pk, order_id, True
    return found


def _asked(statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())
