"""Writes what a recording has worked out: actions, items, events; one statement for each kind of row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import itemgetter

import orjson
from django.db import connection

from actions.models import Action, ActionEvent, Item
from actions.recording.action_state import ActionState
from actions.recording.holding import hold
from actions.recording.lines import Line, line_of
from actions.recording.messages import put_off
from actions.recording.tables import Row, Table

_PLAIN_COLUMNS = (
    *("id", "program_id", "action_tracker_id", "partner_id", "contract_term_id", "no_payout_reason"),
    *("order_id", "order_repeat", "status", "status_detail", "event_date", "event_utc_offset_minutes"),
    *("created_at", "locking_date", "clearing_date", "original_currency", "original_amount", "amount"),
    *("intended_amount", "payout", "intended_payout", "event_code", "order_discount"),
    *("program_currency", "partner_currency", "net_lines"),
)
_PLAIN_OF = itemgetter(*_PLAIN_COLUMNS)
_UNIQUE = itemgetter("action_tracker_id", "order_id", "order_repeat")
_JSON_COLUMNS = ("created_worth", "rates")
ACTIONS = Table("actions_action", (*_PLAIN_COLUMNS, "media_source_ids", "reported", "term_figures", *_JSON_COLUMNS))
ITEMS = Table(
    "actions_item",
    (
        *("action_id", "position", "sku", "category", "name", "quantity", "sub_total", "amount", "discount"),
        *("order_share", "discount_each", "discount_rate", "told"),
    ),
)
_EVENT_COLUMNS = ("id", "action_id", "number", "kind", "parameters")
EVENTS = Table("actions_actionevent", _EVENT_COLUMNS)
TRACED_EVENTS = Table(EVENTS.name, (*_EVENT_COLUMNS, "trace"))
EVENT_IDS = """
SELECT nextval((SELECT pg_get_serial_sequence('actions_actionevent', 'id')::regclass)) FROM generate_series(1, %s)
"""

# What a change may touch.
UPDATE_ACTIONS = """
UPDATE actions_action SET
    status = v.status, status_detail = v.status_detail, original_amount = v.original_amount, amount = v.amount,
    payout = v.payout, media_source_ids = v.media_source_ids, reported = v.reported, cleared_at = v.cleared_at,
    order_discount = v.order_discount, created_worth = v.created_worth, rates = v.rates
FROM (VALUES %s) AS v (id, status, status_detail, original_amount, amount, payout, media_source_ids, reported,
    cleared_at, order_discount, created_worth, rates)
WHERE actions_action.id = v.id
"""
ACTION_ROW = (
    "(%s::bigint, %s, %s, %s::numeric, %s::numeric, %s::numeric, %s::bigint[], %s::jsonb, %s::timestamptz, "
    "%s::numeric, %s::jsonb, %s::jsonb)"
)

UPDATE_ITEMS = """
UPDATE actions_item SET
    sku = v.sku, category = v.category, name = v.name, quantity = v.quantity, sub_total = v.sub_total,
    amount = v.amount, discount = v.discount, order_share = v.order_share, discount_each = v.discount_each,
    discount_rate = v.discount_rate, told = v.told
FROM (VALUES %s) AS v (id, sku, category, name, quantity, sub_total, amount, discount, order_share, discount_each,
    discount_rate, told)
WHERE actions_item.id = v.id
"""
ITEM_ROW = f"(%s::bigint, %s, %s, %s, %s::integer{', %s::numeric' * 6}, %s::jsonb)"


def take_ids(events: Sequence[ActionEvent], ids: Sequence[int] = ()) -> None:
    """Give the events their ids, rising in their order: these, or new ones if they are too few.

    New ones are taken once the actions are locked, so the ids of one action's events commit in order. Those of a new
    action may be older: nobody else can reach it.
    """
    if len(ids) < len(events):
        with connection.cursor() as cursor:
            cursor.execute(EVENT_IDS, [len(events)])
            ids = [row[0] for row in cursor.fetchall()]
    for event, pk in zip(events, ids, strict=False):
        event.id = pk


def store(states: Sequence[ActionState], events: Sequence[ActionEvent]) -> None:
    """Write new and changed actions, and the events, which have their ids. A few rows are put off (`messages`).

    Raises:
        IntegrityError: another transaction has recorded one of the new orders in the meantime.
    """
    # Sorted by the unique key, so that two recordings of the same new orders never wait for each other in a circle.
    created = [state.action for state in states if state.new]
    created.sort(key=lambda action: _UNIQUE(vars(action)))
    ACTIONS.add(_action_rows(created))
    _update_actions([state.action for state in states if not state.new])
    new_items, changed_items = _items(states)
    _delete_items(item.pk for state in states for item in state.stored_items[len(state.lines) :])
    ITEMS.add(new_items)
    _update_items(changed_items)
    traces = [vars(event).get("trace") for event in events]
    if any(traces):
        TRACED_EVENTS.add([(*_event_row(event), trace) for event, trace in zip(events, traces, strict=True)])
    else:
        EVENTS.add([_event_row(event) for event in events])
    hold(created)  # Last, so that it goes with the next statement, and COPY needs no message for it.


def _event_row(event: ActionEvent) -> Row:
    values = vars(event)
    return values["id"], values["action_id"], values["number"], values["kind"], _json(values["parameters"])


def _action_rows(actions: Iterable[Action]) -> list[Row]:
    # Read past Django's descriptors: through them, the keys alone take as long as all other values.
    rows = [vars(action) for action in actions]
    # Actions at one placement have one object of these, which is written once.
    figures = {id(value): value for values in rows if (value := values["term_figures"]) is not None}
    written = {each: _json(value) for each, value in figures.items()}
    return [
        (
            *_PLAIN_OF(values),
            f"{{{','.join(map(str, media))}}}" if (media := values["media_source_ids"]) else "{}",
            _json(values["reported"]),
            written.get(id(values["term_figures"])),
            *[None if (value := values[name]) is None else _json(value) for name in _JSON_COLUMNS],
        )
        for values in rows
    ]


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _update_actions(actions: Sequence[Action]) -> None:
    rows = [
        (
            action.pk,
            str(action.status),
            action.status_detail,
            action.original_amount,
            action.amount,
            action.payout,
            action.media_source_ids,
            _json(action.reported),
            action.cleared_at,
            action.order_discount,
            None if action.created_worth is None else _json(action.created_worth),
            None if action.rates is None else _json(action.rates),
        )
        for action in actions
    ]
    _change(UPDATE_ACTIONS, ACTION_ROW, rows)


def _update_items(items: Sequence[Item]) -> None:
    rows = [(item.pk, *line_of(item)[:10], _json(item.told) if item.told else None) for item in items]
    _change(UPDATE_ITEMS, ITEM_ROW, rows)


def _delete_items(ids: Iterable[int]) -> None:
    """Delete lines that a reset has taken out of their orders."""
    gone = list(ids)
    if gone:
        Item.objects.filter(pk__in=gone).delete()


def _change(statement: str, template: str, rows: Sequence[Row]) -> None:
    """One statement for all rows."""
    if rows:
        put_off(statement % ", ".join([template] * len(rows)), [cell for row in rows for cell in row])


def _items(states: Iterable[ActionState]) -> tuple[list[Row], list[Item]]:
    """The rows of new lines, and the stored lines that changed."""
    new: list[Row] = []
    changed: list[Item] = []
    for state in states:
        for position, line in enumerate(state.lines, 1):
            if position > len(state.stored_items):
                new.append(_item_row(state.action.id, position, line))
            elif line_of(state.stored_items[position - 1]) != line:
                changed.append(_write(state.stored_items[position - 1], line))
    return new, changed


def _item_row(action_id: int, position: int, line: Line) -> Row:
    return (action_id, position, *line[:10], _json(line.told) if line.told else None)


def _write(item: Item, line: Line) -> Item:
    item.sku, item.category, item.name = line.sku, line.category, line.name
    item.quantity, item.sub_total = line.quantity, line.sub_total
    item.amount, item.discount = line.amount, line.discount
    item.order_share, item.discount_each, item.discount_rate = line.order_share, line.discount_each, line.discount_rate
    item.told = line.told
    return item
