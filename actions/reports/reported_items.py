"""The lines of a reported order: as a list of objects, or flat, with the line's number behind the field's name. Pure.

`Items: [{"Sku": "GH23", "SubTotal": "8.76"}]` and `ItemSku1=GH23`, `ItemSubTotal1=8.76` say the same. In the flat form
the prefix `Item` may be left out, and so may the number of the first line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from actions.reports import fields as read
from actions.reports.rejected import Rejected, malformed

MAX_ITEMS = 1000  # Above any order that people place; bounds the snapshot, which every postback may render.

FLAT = re.compile(
    r"(?:Item)?(Sku|Category|Name|Quantity|SubTotal|Price|Discount|Amount|QuantityDelta|SubTotalDelta)([1-9]\d{0,3})?",
    re.ASCII,
)
ATTRIBUTES: Final[Mapping[str, tuple[str, Callable[[str, object], object]]]] = {
    "Sku": ("sku", read.read_text),
    "Category": ("category", read.read_text),
    "Name": ("name", read.read_text),
    "Quantity": ("quantity", read.read_quantity),
    "SubTotal": ("sub_total", read.read_amount),
    "Price": ("price", read.read_number),
    "Discount": ("discount", read.read_amount),
    "QuantityDelta": ("quantity_delta", read.read_quantity_delta),
    "SubTotalDelta": ("sub_total_delta", read.read_money),
}
OTHER_NAMES: Final[Mapping[str, str]] = {
    "Amount": "SubTotal",
    "sku": "Sku",
    "cat": "Category",
    "name": "Name",
    "qty": "Quantity",
    "cartamt": "SubTotal",
    "rbt": "Discount",
}
"""Names of the same attributes in batch files and in templates."""


@dataclass(frozen=True, slots=True)
class ReportedItem:
    """One line of a report; None is what was not said. Amounts are in the cart's currency."""

    sku: str = ""
    category: str | None = None
    name: str | None = None
    quantity: int | None = None
    sub_total: Decimal | None = None
    price: Decimal | None = None  # Of one piece.
    discount: Decimal | None = None
    quantity_delta: int | None = None
    sub_total_delta: Decimal | None = None


class ItemFields:
    """Collects the fields of a report that describe its lines."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self._listed: list[dict[str, Any]] = []
        self._flat: dict[int, dict[str, Any]] = {}
        self._unnumbered_sku = False

    def take_list(self, field: str, value: object) -> None:
        """Take the lines given as a list of objects."""
        if not isinstance(value, (list, tuple)):
            raise malformed(
                field, "a list of objects is expected; where only text is possible, use ItemSku1 and so on."
            )
        if len(value) > MAX_ITEMS:
            raise malformed(field, f"{len(value)} items; at most {MAX_ITEMS} are allowed.")
        for number, each in enumerate(value, 1):
            if not isinstance(each, Mapping):
                raise malformed(field, f"item {number} is not an object with fields such as Sku and SubTotal.")
            values: dict[str, Any] = {}
            for name, inner in each.items():
                if inner is not None and inner != "":
                    self._take(values, str(name).removeprefix("Item"), f"{field}, item {number}, {name}", inner)
            self._listed.append(values)

    def take_flat(self, field: str, value: object) -> bool:
        """Take one flat field; false if it is none of an item."""
        match = FLAT.fullmatch(field)
        if not match:
            return False
        name, digits = match.groups()
        number = int(digits or 1)
        if number > MAX_ITEMS:
            raise malformed(field, f"at most {MAX_ITEMS} items are allowed.")
        self._unnumbered_sku |= name == "Sku" and not digits
        self._take(self._flat.setdefault(number, {}), name, field, value)
        return True

    def _take(self, values: dict[str, Any], name: str, field: str, value: object) -> None:
        known = ATTRIBUTES.get(OTHER_NAMES.get(name, name))
        if known is None:
            read.check_characters(field, field)
            self.warnings.append(f"{field} is no known field of an item; it is not kept.")
            return
        attribute, reader = known
        read_value = reader(field, value)
        if values.setdefault(attribute, read_value) != read_value:
            raise malformed(field, "the same item has this twice, with different values.")

    def claim_amount(self, amount: Decimal | None) -> Decimal | None:
        """Return the amount of the order, or None where `Amount` stands beside a lone `Sku`: then it is the item's."""
        first = self._flat.get(1, {})
        if amount is None or not self._unnumbered_sku or first.keys() & {"sub_total", "sub_total_delta", "price"}:
            return amount
        first["sub_total"] = amount
        return None

    def items(self, *, new_order: bool) -> tuple[ReportedItem, ...]:
        """The lines in their order.

        Raises:
            Rejected: a line contradicts itself, or lacks what a change of a line needs.
        """
        if self._listed and self._flat:
            raise Rejected("MALFORMED", "Items are given both as a list and as numbered fields; one of them is enough.")
        numbered = [self._flat[number] for number in sorted(self._flat)] or self._listed
        return tuple(_checked(number, ReportedItem(**values), new_order) for number, values in enumerate(numbered, 1))


def _checked(number: int, item: ReportedItem, new_order: bool) -> ReportedItem:
    place = f"item {number}"
    relative = item.quantity_delta is not None or item.sub_total_delta is not None
    if relative and new_order:
        raise Rejected("MALFORMED", f"Items: {place} has a Delta, which only a change of an order can have.", "Items")
    if not new_order and not item.sku:
        raise Rejected("NO_ITEM", f"Items: {place} has no Sku; a change needs it to know which item it means.", "Items")
    if item.price is not None and not 0 <= item.price < read.MAX_MONEY:
        raise malformed("Items", f"the price of {place} is {read.shown(item.price)}; 0 or more is expected.")
    if sum(each is not None for each in (item.sub_total, item.price, item.sub_total_delta)) > 1:
        raise malformed("Items", f"{place} has more than one of SubTotal, Price and SubTotalDelta; one is enough.")
    if item.quantity is not None and item.quantity_delta is not None:
        raise malformed("Items", f"{place} has both Quantity and QuantityDelta; one is enough.")
    return item
