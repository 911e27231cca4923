"""Writes what a recording has worked out: actions, items, events; one statement for each kind of row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import connection
from psycopg2.extras import Json, execute_values

from actions.items import Line
from actions.models import Action, ActionEvent, Item
from actions.orders import Order, line_of

# What a change may touch. Django's own bulk update takes five times as long for a few hundred rows.
UPDATE_ACTIONS = """
UPDATE actions_action SET
    status = v.status, status_detail = v.status_detail, original_amount = v.original_amount, amount = v.amount,
    payout = v.payout, media_source_ids = v.media_source_ids, reported = v.reported
FROM (VALUES %s) AS v (id, status, status_detail, original_amount, amount, payout, media_source_ids, reported)
WHERE actions_action.id = v.id
"""
ACTION_ROW = "(%s::bigint, %s, %s, %s::numeric, %s::numeric, %s::numeric, %s::bigint[], %s::jsonb)"

UPDATE_ITEMS = """
UPDATE actions_item SET
    category = v.category, name = v.name, quantity = v.quantity, sub_total = v.sub_total, amount = v.amount,
    discount = v.discount
FROM (VALUES %s) AS v (id, category, name, quantity, sub_total, amount, discount)
WHERE actions_item.id = v.id
"""
ITEM_ROW = "(%s::bigint, %s, %s, %s::integer, %s::numeric, %s::numeric, %s::numeric)"


def new_action_ids(count: int) -> list[int]:
    """Take ids for `count` new actions. Some may stay unused: gaps do no harm."""
    if not count:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('actions_action', 'id')) FROM generate_series(1, %s)", [count]
        )
        return [row[0] for row in cursor.fetchall()]


def store(orders: Sequence[Order], events: Sequence[ActionEvent]) -> None:
    """Write new and changed orders, and the events in their order; the events get their ids.

    Raises:
        IntegrityError: another transaction has recorded one of the new orders in the meantime.
    """
    # Sorted by the unique key, so that two recordings of the same new orders never wait for each other in a circle.
    created = [order.action for order in orders if order.new]
    created.sort(key=lambda action: (action.action_tracker_id, action.order_id, action.order_repeat))
    Action.objects.bulk_create(created)
    _update_actions([order.action for order in orders if not order.new])
    new_items, changed_items = _items(orders)
    Item.objects.bulk_create(new_items)
    _update_items(changed_items)
    ActionEvent.objects.bulk_create(events)


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
            Json(action.reported),
        )
        for action in actions
    ]
    _execute(UPDATE_ACTIONS, ACTION_ROW, rows)


def _update_items(items: Sequence[Item]) -> None:
    rows = [
        (item.pk, item.category, item.name, item.quantity, item.sub_total, item.amount, item.discount) for item in items
    ]
    _execute(UPDATE_ITEMS, ITEM_ROW, rows)


def _execute(statement: str, template: str, rows: Sequence[tuple[object, ...]]) -> None:
    if rows:
        with connection.cursor() as cursor:
            execute_values(cursor, statement, rows, template, page_size=len(rows))


def _items(orders: Iterable[Order]) -> tuple[list[Item], list[Item]]:
    new: list[Item] = []
    changed: list[Item] = []
    for order in orders:
        for position, line in enumerate(order.lines, 1):
            if position > len(order.stored_items):
                new.append(_write(Item(action=order.action, position=position), line))
            elif line_of(order.stored_items[position - 1]) != line:
                changed.append(_write(order.stored_items[position - 1], line))
    return new, changed


def _write(item: Item, line: Line) -> Item:
    item.sku, item.category, item.name = line.sku, line.category, line.name
    item.quantity, item.sub_total = line.quantity, line.sub_total
    item.amount, item.discount = line.amount, line.discount
    return item
