"""What discounts leave of a line and of an order. Pure.

What a line is reported to cost is before its discounts, unless its name says otherwise; then its own discount comes
off, and then its share of the order's. Where an event type reports net lines, nothing comes off.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import NamedTuple

from actions.recording.lines import Line
from actions.reports.rejected import malformed
from actions.reports.reported_items import ReportedItem

ZERO = Decimal(0)
# Any amount is a whole number of these, also one from before amounts were rounded by their currency.
FINEST_DECIMALS = 4


class Counting(NamedTuple):
    """How the money of one order is counted."""

    unit: Decimal  # The smallest of the cart's currency: amounts are rounded to it.
    discounts: bool  # Whether they come off.

    def rounded(self, amount: Decimal) -> Decimal:
        return amount.quantize(self.unit, ROUND_HALF_EVEN)


class Own(NamedTuple):
    """A line's own discount as it was reported: in all, of each piece, or in percent."""

    total: Decimal | None
    each: Decimal | None
    rate: Decimal | None

    def of(self, gross: Decimal, quantity: int, counting: Counting) -> Decimal | None:
        """How much it is of a line that costs `gross` before it."""
        if self.each is not None:
            return counting.rounded(self.each * quantity)
        if self.rate is not None:
            return counting.rounded(gross * self.rate / 100)
        return None if self.total is None else counting.rounded(self.total)


class LineMoney(NamedTuple):
    """A line's money before its share of the order's discount."""

    before_share: Decimal
    discount: Decimal | None  # The line's own, as an amount.
    each: Decimal | None
    rate: Decimal | None


def line_money(line: Line, item: ReportedItem, quantity: int, counting: Counting) -> LineMoney:
    """What `line` costs once `item` is reported of it, `quantity` pieces of it.

    Raises:
        Rejected: the discount is more than the line, or the report contradicts itself.
    """
    told = item.discount_kinds > 0
    if not told and line.discount is None and item.sub_total is not None and item.amount is None:
        return LineMoney(counting.rounded(item.sub_total), None, None, None)  # Most lines, in a third of the time.
    own = (
        Own(item.total_discount, item.discount, item.discount_rate)
        if told
        else Own(_follows(line, item, quantity, counting), line.discount_each, line.discount_rate)
    )
    gross, rest = _reported(line, item, quantity, counting)
    if gross is None and rest is None:
        before_share = line.sub_total + (line.order_share or ZERO)
        if not told:
            return LineMoney(before_share, line.discount, own.each, own.rate)
        gross, rest = (before_share + (line.discount or ZERO), None) if counting.discounts else (None, before_share)
    if gross is None and rest is not None:
        return LineMoney(rest, own.of(_before(rest, own.rate), quantity, counting), own.each, own.rate)
    gross = gross or counting.rounded(ZERO)
    discount = own.of(gross, quantity, counting)
    if rest is not None:
        return LineMoney(rest, _agreed(item, gross, discount, rest), own.each, own.rate)
    if discount is not None and discount > gross:
        if told:
            raise malformed(
                "Items", f"the discount of {_name(item)} is {discount:f}, more than the {gross:f} that it comes off."
            )
        discount = max(gross, ZERO)  # Of what has been returned no discount is left.
    return LineMoney(gross - (discount or ZERO), discount, own.each, own.rate)


def _reported(
    line: Line, item: ReportedItem, quantity: int, counting: Counting
) -> tuple[Decimal | None, Decimal | None]:
    """The line before its own discount and after it, as far as the report says so."""
    rest = None
    if item.net is not None:
        rest = counting.rounded(item.net) + (line.order_share or ZERO)
    elif item.amount is not None:
        rest = counting.rounded(item.amount)
    figure = None
    if item.sub_total is not None:
        figure = counting.rounded(item.sub_total)
    elif item.price is not None:
        figure = counting.rounded(item.price * quantity)
    elif item.sub_total_delta is not None:
        figure = _whole(line, counting) + counting.rounded(item.sub_total_delta)
    elif rest is None and quantity != line.quantity:
        # As much of its money as of its pieces; without a piece nothing is left.
        figure = _share(_whole(line, counting), quantity, line.quantity, counting)
    if figure is None or counting.discounts:
        return figure, rest
    if rest is not None and rest != figure:
        raise malformed("Items", f"{_name(item)} costs {figure:f} and {rest:f} at once; one of them is enough.")
    return None, figure


def _whole(line: Line, counting: Counting) -> Decimal:
    """What the line costs now, as it would be reported: before the discounts that come off it."""
    own = line.discount or ZERO if counting.discounts else ZERO
    return line.sub_total + (line.order_share or ZERO) + own


def _follows(line: Line, item: ReportedItem, quantity: int, counting: Counting) -> Decimal | None:
    """The line's own discount as an amount; where only its quantity changes, as much of it as of the pieces."""
    if line.discount is None or item.carries_money or quantity == line.quantity:
        return line.discount
    return _share(line.discount, quantity, line.quantity, counting)


def _share(money: Decimal, quantity: int, of: int, counting: Counting) -> Decimal:
    """What `quantity` pieces cost if `of` pieces cost `money`, rounded half even."""
    return counting.rounded(money * quantity / of) if of and quantity else counting.rounded(ZERO)


def _before(rest: Decimal, rate: Decimal | None) -> Decimal:
    """What a discount of `rate` percent has left `rest` of; of everything taken off nobody knows."""
    return rest if rate is None or rate == 100 else rest * 100 / (100 - rate)


def _agreed(item: ReportedItem, gross: Decimal, discount: Decimal | None, rest: Decimal) -> Decimal | None:
    """The discount of a line that is reported both before and after it."""
    found = gross - rest
    if found < 0 or (discount is not None and item.discount_kinds and discount != found):
        off = "" if discount is None else f" with a discount of {discount:f}"
        raise malformed("Items", f"{_name(item)} costs {gross:f} before discounts and {rest:f} after them{off}.")
    return found or discount


def share_out(lines: Sequence[Line], discount: Decimal, unit: Decimal) -> tuple[Line, ...]:
    """The lines with each one's share of the order's discount taken off, in proportion to what they cost before it.

    The shares add up exactly: what is left after rounding down goes to those that lost most by it, the first of equals
    first. A discount that is more than the lines takes all of them off.
    """
    costs = [int(line.sub_total.scaleb(FINEST_DECIMALS)) for line in lines]
    whole = sum(costs)
    if not whole or not discount:
        return tuple(lines)
    units = min(int(discount / unit), int(Decimal(whole).scaleb(-FINEST_DECIMALS) / unit))
    shares = [units * cost // whole for cost in costs]
    by_loss = sorted(range(len(lines)), key=lambda at: -(units * costs[at] % whole))
    for at in by_loss[: units - sum(shares)]:
        shares[at] += 1
    return tuple([line.shared(share * unit) for line, share in zip(lines, shares, strict=True)])


def _name(item: ReportedItem) -> str:
    return item.sku or "an item without Sku"
