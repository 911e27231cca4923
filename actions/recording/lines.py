"""The lines of an order, as they stand. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from actions.models import Item


class Line(NamedTuple):
    """One line as it stands: `amount` in the program's currency, all other money in the cart's.

    `sub_total` is after discounts. The line's own is `discount`; how it was reported, if not as an amount, stands in
    `discount_each` or `discount_rate`. `order_share` is its share of the order's.
    """

    sku: str = ""
    category: str = ""
    name: str = ""
    quantity: int = 1
    sub_total: Decimal = Decimal("0.00")
    amount: Decimal = Decimal("0.00")
    discount: Decimal | None = None
    order_share: Decimal | None = None
    discount_each: Decimal | None = None
    discount_rate: Decimal | None = None
    told: Mapping[str, str] | None = None  # What receivers are told of it as it was reported, by its name in templates.

    def priced(self, amount: Decimal) -> Line:
        """The same line with its amount. Made anew, because replacing one field takes three times as long."""
        return Line._make((*self[:5], amount, *self[6:]))

    def shared(self, share: Decimal) -> Line:
        """The line before its share of the order's discount, once that is taken off."""
        return self._replace(sub_total=self.sub_total - share, order_share=share)

    def unshared(self) -> Line:
        """The line before its share of the order's discount."""
        if self.order_share is None:
            return self
        return self._replace(sub_total=self.sub_total + self.order_share, order_share=None)


def line_of(item: Item) -> Line:
    """The line that is stored as `item`."""
    return Line(
        item.sku,
        item.category,
        item.name,
        item.quantity,
        item.sub_total,
        item.amount,
        item.discount,
        item.order_share,
        item.discount_each,
        item.discount_rate,
        item.told,
    )
