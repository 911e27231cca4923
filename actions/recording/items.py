"""The lines of an order, and how a report changes them. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import NamedTuple

from actions.models import Item
from actions.reports.fields import CENT, MAX_MONEY, MAX_QUANTITY
from actions.reports.rejected import Rejected
from actions.reports.reported_items import MAX_ITEMS, ReportedItem


class Line(NamedTuple):
    """One line as it stands: `sub_total` and `discount` in the cart's currency, `amount` in the program's."""

    sku: str = ""
    category: str = ""
    name: str = ""
    quantity: int = 1
    sub_total: Decimal = Decimal("0.00")
    amount: Decimal = Decimal("0.00")
    discount: Decimal | None = None

    def priced(self, amount: Decimal) -> Line:
        """The same line with its amount. Made anew, because replacing one field takes three times as long."""
        return Line(self.sku, self.category, self.name, self.quantity, self.sub_total, amount, self.discount)


def line_of(item: Item) -> Line:
    """The line that is stored as `item`."""
    return Line(item.sku, item.category, item.name, item.quantity, item.sub_total, item.amount, item.discount)


def merge(lines: Sequence[Line], reported: Sequence[ReportedItem]) -> tuple[Line, ...]:
    """The lines after a report; `amount` is still to be worked out for those that changed.

    The n-th reported item of a SKU changes the n-th line of that SKU. What it leaves out stays. A SKU that is new
    is appended, and so is an item without one.

    Raises:
        Rejected: a line would end below zero or too large, or there would be too many lines.
    """
    merged = list(lines)
    place: dict[tuple[str, int], int] = {}
    counts: Counter[str] = Counter()
    for position, line in enumerate(lines):
        place[line.sku, counts[line.sku]] = position
        counts[line.sku] += 1
    seen: Counter[str] = Counter()
    for item in reported:
        known = place.get((item.sku, seen[item.sku])) if item.sku else None
        seen[item.sku] += 1
        if known is None:
            merged.append(_changed(Line(sku=item.sku), item))
        else:
            merged[known] = _changed(merged[known], item)
    if len(merged) > MAX_ITEMS:
        raise Rejected(
            "MALFORMED", f"The order would have {len(merged)} items; at most {MAX_ITEMS} are allowed.", "Items"
        )
    return tuple(merged)


def _changed(line: Line, item: ReportedItem) -> Line:
    quantity = _quantity(line, item)
    sub_total = _sub_total(line, item, quantity)
    if not 0 <= quantity <= MAX_QUANTITY or not 0 <= sub_total < MAX_MONEY:
        raise Rejected(
            "MALFORMED",
            f"Items: {item.sku or 'an item'} would have the quantity {quantity} and the subtotal {sub_total}; "
            f"both must be 0 or more, and less than {MAX_MONEY:,}.",
            "Items",
        )
    return Line(
        line.sku,
        line.category if item.category is None else item.category,
        line.name if item.name is None else item.name,
        quantity,
        sub_total,
        line.amount,
        line.discount if item.discount is None else item.discount,
    )


def _quantity(line: Line, item: ReportedItem) -> int:
    if item.quantity_delta is not None:
        return line.quantity + item.quantity_delta
    return line.quantity if item.quantity is None else item.quantity


def _sub_total(line: Line, item: ReportedItem, quantity: int) -> Decimal:
    if item.sub_total is not None:
        return item.sub_total
    if item.sub_total_delta is not None:
        return line.sub_total + item.sub_total_delta
    if item.price is not None:
        return (item.price * quantity).quantize(CENT, ROUND_HALF_EVEN)
    return line.sub_total if quantity else Decimal("0.00")  # None of a line is left, so nothing of its money is.
