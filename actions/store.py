"""Writes what a recording has worked out: actions, items, events; one statement for each kind of row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import connection

from actions.items import Line
from actions.models import Action, ActionEvent, Item
from actions.orders import Order, line_of

# Of an action: what a change may touch.
CHANGING = ("status", "status_detail", "original_amount", "amount", "payout", "media_source_ids", "reported")
CHANGING_OF_ITEM = ("category", "name", "quantity", "sub_total", "amount", "discount")


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
    Action.objects.bulk_update([order.action for order in orders if not order.new], CHANGING)
    new_items, changed_items = _items(orders)
    Item.objects.bulk_create(new_items)
    Item.objects.bulk_update(changed_items, CHANGING_OF_ITEM)
    ActionEvent.objects.bulk_create(events)


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
