"""How a line of a file is understood, in words: what a dry run shows of the first ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from actions.recording.refusals import UNREADABLE
from actions.reports.fields import write_date
from actions.reports.files import FileLine
from actions.reports.report import Report, parse_report

ROWS_SHOWN = 3  # Enough to see that no column stands in for another.


def shown_first(lines: Iterable[FileLine], tell: Callable[[str], None]) -> Iterator[FileLine]:
    """The same lines; of the first ones is told how they are understood. Those that are refused tell it themselves."""
    left = ROWS_SHOWN
    for line in lines:
        if left and isinstance(line.fields, dict):
            try:
                text = understood(parse_report(line.fields))
            except UNREADABLE:
                pass
            else:
                tell(f"Line {line.number} is understood as: {text}")
                left -= 1
        yield line


def understood(report: Report) -> str:
    """What of the report decides, without what tells of the customer."""
    currency = f" {report.currency}" if report.currency else " in the program's currency"
    parts = [
        report.kind.value,
        f"action {'.'.join(map(str, report.action_id))}" if report.action_id else "",
        f"order {report.order_id!r}" if report.order_id else "",
        f"event type {report.action_tracker_id}" if report.action_tracker_id else "",
        f"event type {report.event_type_code!r}" if report.event_type_code else "",
        write_date(report.event_date) if report.event_date else "",
        f"partner {report.partner_id}" if report.partner_id else "",
        "" if report.amount is None else f"amount {report.amount}{currency}",
        f"{len(report.items)} items: {_items(report)}" if report.items else "",
        f"reason {report.reason}" if report.reason else "",
    ]
    return ", ".join(part for part in parts if part) + "."


def _items(report: Report) -> str:
    shown = []
    for item in report.items[:ROWS_SHOWN]:
        money = (("", item.sub_total), ("each ", item.price), ("change by ", item.sub_total_delta))
        costs = "".join(f" {label}{value}" for label, value in money if value is not None)
        quantity = "" if item.quantity is None else f" x {item.quantity}"
        shown.append(f"{item.sku or item.name or 'one without a Sku'}{quantity}{costs}")
    return "; ".join(shown) + ("; …" if len(report.items) > ROWS_SHOWN else "")
