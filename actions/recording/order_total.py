"""The total of an order after its discount, and whether what is reported of it agrees. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from actions.recording.discounts import ZERO, Counting, share_out
from actions.recording.lines import Line
from actions.reports.rejected import malformed
from actions.reports.report import Report

AFTER = "OrderSubTotalPostDiscount"


def reported_total(report: Report, counting: Counting) -> Decimal | None:
    """The order's total as reported, after the discount that is reported with it; None if there is none.

    Raises:
        Rejected: the discount is more than the total, or the totals before and after it do not agree.
    """
    before = None if report.amount is None else counting.rounded(report.amount)
    after = None if report.post_discount is None else counting.rounded(report.post_discount)
    told = report.order_discount
    discount = ZERO if told is None else counting.rounded(told)
    if after is None:
        return before if before is None or not counting.discounts else less(before, discount)
    if before is not None and not _agree(before, after, told, discount):
        raise malformed(
            AFTER, f"{after:f}, but the total before discounts is {before:f} and OrderDiscount {discount:f}."
        )
    return after


def less(before: Decimal, discount: Decimal) -> Decimal:
    """What the order's discount leaves.

    Raises:
        Rejected: it is more than there is.
    """
    if discount > before:
        raise malformed("OrderDiscount", f"{discount:f} is more than the {before:f} that it comes off.")
    return before - discount


def discounted_lines(
    lines: Sequence[Line], counting: Counting, *, told: Decimal | None, kept: Decimal | None, after: Decimal | None
) -> tuple[tuple[Line, ...], Decimal | None]:
    """The lines after the order's discount, and that discount: the one that is `told`, or else the one that was `kept`.

    Where only the lines before it add up to `after`, the reported total after discounts, it has been taken off already.

    Raises:
        Rejected: a reported discount is more than the lines cost, or they contradict the reported total.
    """
    before, shared = tuple(lines), tuple(lines)
    discount = kept if told is None else counting.rounded(told)
    if discount and counting.discounts:
        if told is not None:
            less(_sum(before), discount)
        shared = share_out(before, discount, counting.unit)
    if after is None:
        return shared, discount
    total = counting.rounded(after)
    if _sum(shared) == total:
        return shared, discount
    if _sum(before) == total:
        return before, None
    raise malformed(AFTER, f"{total:f}, but the items come to {_sum(shared):f} after discounts.")


def _agree(before: Decimal, after: Decimal, told: Decimal | None, discount: Decimal) -> bool:
    """Whether two totals of one report are of one order. Without a discount their difference is one."""
    return after <= before if told is None else after in (before, before - discount)


def _sum(lines: Sequence[Line]) -> Decimal:
    return sum((line.sub_total for line in lines), ZERO)
