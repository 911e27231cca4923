"""The lines of a reported order: as a list of objects, or flat, with the line's number behind the field's name. Pure.

`Items: [{"Sku": "GH23", "SubTotal": "8.76"}]` and `ItemSku1=GH23`, `ItemSubTotal1=8.76` say the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

from actions.reports import fields as read
from actions.reports.documented import is_unused_item_field
from actions.reports.item_names import Attribute, attribute_of, place_of
from actions.reports.near_misses import near_item_field
from actions.reports.order_ids import unwrapped
from actions.reports.rejected import Rejected, malformed
from actions.reports.spelling import squashed
from value_types.currencies import minor_units, smallest_unit

MAX_ITEMS = 1000  # Above any order that people place; bounds the snapshot, which every postback may render.

# A price has as many decimals as it needs.
_ROUNDED: Final = frozenset({"sub_total", "sub_total_delta", "amount", "net", "total_discount"})


class ReportedItem(NamedTuple):
    """One line of a report; None is what was not said. Amounts are in the cart's currency."""

    sku: str = ""
    category: str | None = None
    name: str | None = None
    quantity: int | None = None
    sub_total: Decimal | None = None
    price: Decimal | None = None  # Of one piece.
    discount: Decimal | None = None  # Of one piece.
    quantity_delta: int | None = None
    sub_total_delta: Decimal | None = None
    amount: Decimal | None = None  # After the line's own discount.
    net: Decimal | None = None  # After all discounts, the order's included.
    total_discount: Decimal | None = None  # Of the whole line.
    discount_rate: Decimal | None = None  # In percent.
    told: Mapping[str, str] | None = None  # What only receivers are told, by its name in templates.

    @property
    def carries_money(self) -> bool:
        """Whether it says what the line costs, or by how much that changes."""
        return not (
            self.sub_total is None
            and self.price is None
            and self.sub_total_delta is None
            and self.amount is None
            and self.net is None
        )

    @property
    def discount_kinds(self) -> int:
        """In how many ways it names a discount of the line."""
        return (self.discount is not None) + (self.total_discount is not None) + (self.discount_rate is not None)


class ItemFields:
    """Collects the fields of a report that describe its lines."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.exact: dict[
            str, Decimal
        ] = {}  # The amounts that are rounded to the currency, by the name they came under.
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
                if len(name) > read.MAX_NAME:
                    raise read.too_long(name)
                if inner is not None and inner != "":
                    self._take(values, name, f"{field}, item {number}, {name}", unwrapped(inner))
            self._listed.append(values)

    def take_flat(self, flat: str, field: str, value: object) -> None:
        """Take the flat field that was reported as `field`."""
        number, attribute, numbered = place_of(flat)
        if number > MAX_ITEMS:
            raise malformed(field, f"at most {MAX_ITEMS} items are allowed.")
        if not numbered and attribute.name == "sku":
            self._unnumbered_sku = True
        values = self._flat.get(number)
        if values is None:
            values = self._flat[number] = {}
        self._put(values, attribute, field, value)

    @property
    def has_sku(self) -> bool:
        """Whether the first of the flat items has a Sku."""
        return "sku" in self._flat.get(1, {})

    def _take(self, values: dict[str, Any], name: str, field: str, value: object) -> None:
        known = attribute_of(name)
        if known is None:
            read.check_characters(field, field)
            _refuse_near_miss(name, field)
            self.warnings.append(f"{field} is no known field of an item; it is not kept.")
            return
        self._put(values, known, field, value)

    def _put(self, values: dict[str, Any], known: Attribute, field: str, value: object) -> None:
        attribute, reader, told = known
        read_value = reader(field, value)
        if told:
            values = values.setdefault("told", {})
        if values.setdefault(attribute, read_value) != read_value:
            raise malformed(field, "the same item has this twice, with different values.")
        if attribute in _ROUNDED and isinstance(read_value, Decimal):
            self.exact[field] = read_value

    def rounded(self, currency: str) -> list[str]:
        """Notes on the amounts that have more decimals than the currency; one that is not reported may have two."""
        most, unit = minor_units(currency), smallest_unit(currency)
        return [
            read.ROUNDED.format(field, most)
            for field, exact in self.exact.items()
            if not exact.same_quantum(unit) and read.is_finer(exact, most)  # Most have its decimals.
        ]

    def claim_total(
        self, amount: Decimal | None, post_discount: Decimal | None, *, new_order: bool
    ) -> tuple[Decimal | None, Decimal | None]:
        """The totals of the order before and after discounts, less those that are the one line's.

        `Amount` beside an unnumbered `Sku` is that item's. So is the total of a new order whose only line says neither
        what it costs nor what comes off it.
        """
        lines = [*self._flat.values(), *self._listed]
        if not lines or (amount is None and post_discount is None):
            return amount, post_discount
        first = lines[0]
        alone = new_order and len(lines) == 1 and not first.keys() & DISCOUNTS
        if first.keys() & MONEY or not (self._unnumbered_sku or alone):
            return amount, post_discount
        if post_discount is None:
            first["amount"] = amount
        elif amount is None:
            first["net"] = post_discount
        else:
            return amount, post_discount
        return None, None

    def discount_to_share(self, items: Sequence[ReportedItem], discount: Decimal | None) -> Decimal | None:
        """The order's discount, if it is still to come off the lines.

        Raises:
            Rejected: it has come off some of them, and not off others.
        """
        if not discount:
            return discount
        done = [item.net is not None for item in items]
        if not any(done):
            return discount
        if not all(done):
            raise malformed(
                "OrderDiscount", "some items are given after it and others before it (cartamt is after it)."
            )
        self.warnings.append("OrderDiscount is not taken off: what the items cost is given after it.")
        return None

    def items(self, *, new_order: bool, currency: str) -> tuple[ReportedItem, ...]:
        """The lines in their order; one that is not reported has the usual currency.

        Raises:
            Rejected: a line contradicts itself, or lacks what a change of a line needs.
        """
        if self._listed and self._flat:
            raise Rejected("MALFORMED", "Items are given both as a list and as numbered fields; one of them is enough.")
        items = []
        for number, values in sorted(self._flat.items()) or enumerate(self._listed, 1):
            if "price" in values and "sub_total" in values:
                price = values.pop("price")
                field = "Items" if self._listed else f"ItemSubTotal{number}"
                _require_agreement(field, number, price, values, (1 if new_order else None, smallest_unit(currency)))
            if new_order and _PLAIN.issuperset(values):
                items.append(ReportedItem(**values))  # Nothing in it can contradict itself.
            else:
                items.append(_checked(number, ReportedItem(**_without_idle_zeros(values)), new_order))
        return tuple(items)


_PLAIN: Final = frozenset({"sku", "category", "name", "quantity", "sub_total", "told"})
MONEY: Final = frozenset({"sub_total", "price", "sub_total_delta", "amount", "net"})
DISCOUNTS: Final = frozenset({"discount", "total_discount", "discount_rate"})


def _without_idle_zeros(values: dict[str, Any]) -> dict[str, Any]:
    """Without discounts of 0 beside another kind: a sender that fills every field says nothing by them."""
    if DISCOUNTS.isdisjoint(values):
        return values
    kinds = values.keys() & DISCOUNTS
    if len(kinds) < 2 or not any(values[kind] for kind in kinds):
        return values
    return {name: value for name, value in values.items() if name not in kinds or value}


def _refuse_near_miss(name: str, field: str) -> None:
    """Refuse an unknown name inside of an item that is near a known one, unless it is documented."""
    plain = squashed(name)
    if is_unused_item_field(plain if plain.startswith("item") else f"item{plain}"):
        return
    near = near_item_field(name)
    if near:
        near = near.removeprefix("Item")
        raise malformed(field, f"an item has no field of this name; is {near} meant? Name it {near}, or leave it out.")


def _require_agreement(
    field: str, number: int, price: Decimal, values: Mapping[str, Any], usual: tuple[int | None, Decimal]
) -> None:
    """Refuse a line whose SubTotal is not its Price times its Quantity, but for the rounding of each piece.

    `usual` has the quantity where none is reported, and the smallest unit of the currency.
    """
    usual_quantity, unit = usual
    quantity, sub_total = values.get("quantity", usual_quantity), values["sub_total"]
    if quantity is None:
        raise malformed(
            field, f"item {number} has SubTotal and Price, and no Quantity to tell whether they agree; one is enough."
        )
    if abs(price * quantity - sub_total) > unit * max(quantity, 1) / 2:
        raise malformed(
            field,
            f"the SubTotal of item {number} is {read.shown(sub_total)}, but its Price times its Quantity is "
            f"{read.shown(price * quantity)}; report one of them.",
        )


def _checked(number: int, item: ReportedItem, new_order: bool) -> ReportedItem:
    place = f"item {number}"
    relative = item.quantity_delta is not None or item.sub_total_delta is not None
    if relative and new_order:
        raise Rejected("MALFORMED", f"Items: {place} has a Delta, which only a change of an order can have.", "Items")
    if not new_order and not item.sku:
        raise Rejected("NO_ITEM", f"Items: {place} has no Sku; a change needs it to know which item it means.", "Items")
    if item.price is not None and not 0 <= item.price < read.MAX_MONEY:
        raise malformed("Items", f"the price of {place} is {read.shown(item.price)}; 0 or more is expected.")
    if [item.sub_total, item.price, item.sub_total_delta, item.net].count(None) < 3:
        raise malformed(
            "Items", f"{place} has more than one of SubTotal, Price, SubTotalDelta and cartamt; one is enough."
        )
    if item.amount is not None and (item.net is not None or item.sub_total_delta is not None):
        raise malformed("Items", f"{place} has Amount beside SubTotalDelta or cartamt; one of them is enough.")
    if item.discount_kinds > 1:
        raise malformed(
            "Items", f"{place} has more than one of Discount, TotalDiscount and DiscountRate; which of them holds?"
        )
    if item.quantity is not None and item.quantity_delta is not None:
        raise malformed("Items", f"{place} has both Quantity and QuantityDelta; one is enough.")
    return item
