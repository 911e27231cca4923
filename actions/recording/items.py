"""How a report changes the lines of an order. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal

from actions.recording.discounts import Counting, line_money
from actions.recording.lines import Line
from actions.reports.fields import MAX_MONEY, MAX_QUANTITY
from actions.reports.parameters import ITEM_ATTRIBUTES, ParameterType
from actions.reports.rejected import Rejected, malformed
from actions.reports.reported_items import MAX_ITEMS, ReportedItem


def merge(
    lines: Sequence[Line], reported: Sequence[ReportedItem], counting: Counting, *, need_money: bool = False
) -> tuple[Line, ...]:
    """The lines after a report, before the order's discount is shared out among them.

    `amount` is still to be worked out.

    The n-th reported item of a SKU changes the n-th line of that SKU. What it leaves out stays. A SKU that is new
    is appended, and so is an item without one.

    With `need_money` the order is worth what its lines are: more pieces of what it has none of need an amount.

    Raises:
        Rejected: a line would end below zero or too large, its discount is more than it costs, it lacks an amount, or
            there would be too many lines.
    """
    if not lines and not need_money:  # As of all new orders.
        _require_few(reported)
        return tuple([_changed(Line(item.sku), item, counting) for item in reported])
    merged = list(lines)
    place: dict[tuple[str, int], int] = {}
    counts: defaultdict[str, int] = defaultdict(int)
    for position, line in enumerate(lines):
        place[line.sku, counts[line.sku]] = position
        counts[line.sku] += 1
    seen: defaultdict[str, int] = defaultdict(int)
    for item in reported:
        known = place.get((item.sku, seen[item.sku])) if item.sku else None
        seen[item.sku] += 1
        if need_money and not item.carries_money:
            _require_price(Line(quantity=0) if known is None else lines[known], item)
        if known is None:
            merged.append(_changed(Line(sku=item.sku), item, counting))
        else:
            merged[known] = _changed(lines[known], item, counting)
    _require_few(merged)
    return tuple([line.unshared() for line in merged])


def _require_few(items: Sequence[object]) -> None:
    if len(items) > MAX_ITEMS:
        raise Rejected(
            "MALFORMED", f"The order would have {len(items)} items; at most {MAX_ITEMS} are allowed.", "Items"
        )


def _require_price(line: Line, item: ReportedItem) -> None:
    """Refuse pieces of which nothing tells what they cost."""
    if line.quantity == 0 and _quantity(line, item) > 0:
        raise malformed(
            "Items",
            f"the order has no {item.sku} yet or any more, so nothing tells what {_quantity(line, item)} of it cost; "
            "report its SubTotal or Price too.",
        )


def _changed(line: Line, item: ReportedItem, counting: Counting) -> Line:
    quantity = _quantity(line, item)
    sub_total, discount, each, rate = line_money(line, item, quantity, counting)
    if not 0 <= quantity <= MAX_QUANTITY or not 0 <= sub_total < MAX_MONEY:
        raise Rejected(
            "MALFORMED",
            f"Items: {item.sku or 'an item'} would have the quantity {quantity} and the subtotal {sub_total}; "
            f"both must be 0 or more, and less than {MAX_MONEY:,}.",
            "Items",
        )
    values = (
        line.sku,
        line.category if item.category is None else item.category,
        line.name if item.name is None else item.name,
        quantity,
        sub_total,
        line.amount,
        discount,
        None,
        each,
        rate,
        line.told if item.told is None else {**(line.told or {}), **_written(item.told, counting)},
    )
    return Line._make(values)  # Half the time of a call with each of them.


def _written(told: Mapping[str, str], counting: Counting) -> Mapping[str, str]:
    """What is told of a line as it renders: its money was read before the decimals of its currency were known."""
    money = [name for name in told if ITEM_ATTRIBUTES[name].type is ParameterType.MONEY]
    return {**told, **{name: f"{counting.rounded(Decimal(told[name])):f}" for name in money}}


def _quantity(line: Line, item: ReportedItem) -> int:
    if item.quantity_delta is not None:
        return line.quantity + item.quantity_delta
    return line.quantity if item.quantity is None else item.quantity
