"""A report: what a sender says of one conversion, read from named fields and not yet compared with the database. Pure.

The field names are those of the conversion API; every template parameter is accepted under its own name as well.
Fields that are empty or null count as absent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from actions.models import ActionEvent
from actions.reports import customer_email, order_ids
from actions.reports import fields as read
from actions.reports.field_names import FieldNames, Use
from actions.reports.item_names import BESIDE_SKU
from actions.reports.known_names import ALIASES, ATTRIBUTION_FIELDS, KEPT, WORKED_OUT
from actions.reports.order_ids import unwrapped
from actions.reports.parameters import MONEYS, PARAMETERS, Parameter
from actions.reports.rejected import Rejected, malformed
from actions.reports.reported_items import ItemFields, ReportedItem
from actions.reports.unused_names import UnusedNames

Kind = ActionEvent.Kind
_CREATED: Final = Kind.CREATED  # Python 3.11 takes longer to look it up than to compare it.

# Addresses of pages and browsers' names are often longer than the usual limit.
LONG_TEXTS: Final = {"LandingPageUrl": 2000, "UniqueUrl": 2000, "UserAgent": 2000}
# Which of the parameters that are money may be reported, in the cart's currency.
REPORTED_MONEY: Final = tuple(f"Money{number}" for number in range(1, MONEYS + 1))
POST_DISCOUNT: Final = "OrderSubTotalPostDiscount"
_ROUNDED: Final = frozenset({"Amount", POST_DISCOUNT, "OrderDiscount"})
LONG_TEXT = 2000  # Of a field of which nothing is known.
MAX_FIELDS = 1000 * 12  # As many as the most items have, flat; bounds the work on one report.
RESET: Final = "RESET"  # The documented reason that puts an action back to its original values.
MAX_EVENT_TYPE_CODE = 64  # As documented, and as event types have it.
_ITEM, _PARAMETER, _READ = Use.ITEM, Use.PARAMETER, Use.READ  # Looked at for each field of each report.
ACTION_ID = re.compile(r"(\d{1,18})\.(\d{1,18})\.(\d{1,18})", re.ASCII)


class Report(NamedTuple):
    """One report. Of a change, what is absent stays as it was.

    A frozen dataclass takes twice as long to make, and eight times as long to make anew with another value.
    """

    kind: ActionEvent.Kind
    campaign_id: int | None = None
    action_tracker_id: int | None = None
    event_type_code: str = ""  # Names the event type in place of its id, or beside it.
    order_id: str = ""
    action_id: tuple[int, int, int] | None = None  # Program, event type, sequence.
    event_date: datetime | None = None  # With the UTC offset in which it was reported.
    partner_id: int | None = None
    currency: str = ""
    event_code: str = ""
    items: tuple[ReportedItem, ...] = ()
    amount: Decimal | None = None  # The total before the order's discount; in the cart's currency, as all money here.
    post_discount: Decimal | None = None  # The total after all discounts.
    order_discount: Decimal | None = None
    reason: str = ""
    resets: bool = False  # Its reason puts the action back as it was created.
    media_source_ids: tuple[int, ...] | None = None
    parameters: Mapping[str, str] = MappingProxyType({})  # Everything else, by its name, as it renders.
    warnings: tuple[str, ...] = ()
    programs: frozenset[int] | None = None  # In which its sender may report; the others do not exist for it.
    trace: str | None = None  # The mark of the request that brought it, if that is traced.

    @property
    def has_total(self) -> bool:
        """Whether it names the order's total, and no items that take its place."""
        return (self.amount is not None or self.post_discount is not None) and not any(
            item.carries_money for item in self.items
        )

    @property
    def has_money(self) -> bool:
        """Whether it says anything about what the order is worth, or what it consists of."""
        return bool(self.items) or self.has_total or self.order_discount is not None


def parse_report(
    fields: Mapping[str, object], *, now: datetime | None = None, kind: ActionEvent.Kind = Kind.CREATED
) -> Report:
    """Read one report from its fields.

    `now` is what the event date NOW stands for (default: the clock), `kind` what the report is where it has no Event.

    Raises:
        Rejected: a value is wrong, a field that the kind of report needs is missing, or a name is unknown and near one
            that decides what is paid.
    """
    if len(fields) > MAX_FIELDS:
        raise Rejected("MALFORMED", f"{len(fields)} fields; at most {MAX_FIELDS} are allowed.")
    reader = _Reader(fields, now, kind)
    reader.read()
    report = reader.report()
    _require_identity(report)
    return report


class _Reader:
    """Collects the fields of one report."""

    def __init__(self, fields: Mapping[str, object], now: datetime | None, kind: ActionEvent.Kind) -> None:
        self._fields = fields
        self._now = now
        self._kind = kind
        self._values: dict[str, Any] = {}  # Each of the type that its reader returns.
        self._parameters: dict[str, str] = {}
        self._warnings: list[str] = []
        self._items = ItemFields()
        self._beside_sku: list[tuple[str, str, object]] = []  # The flat field, its name as it came, its value.
        self._unused = UnusedNames(NAMES.guesses, NAMES.harmless)

    def read(self) -> None:
        """Read all fields. One loop: of a file, this takes longer than anything else."""
        meaning, parameters, take_flat = NAMES.meaning, self._parameters, self._items.take_flat
        for name, value in self._fields.items():
            if value is None or value == "":
                continue
            if len(name) > read.MAX_NAME:
                raise read.too_long(name)
            use, canonical = meaning(name)
            plain = unwrapped(value) if isinstance(value, str) and "=" in value else value
            # In the order of how often each is reported.
            if use == _PARAMETER:
                text = _PARAMETER_READERS[canonical](name, plain)
                if parameters.setdefault(canonical, text) != text:
                    raise self._differs(canonical, name)
            elif use == _ITEM and canonical not in BESIDE_SKU:
                take_flat(canonical, name, plain)
            elif use == _READ:
                self._take_read(canonical, name, value if canonical == "OrderId" else plain)
            elif use == _ITEM:
                self._beside_sku.append((canonical, name, plain))
            else:
                self._take_other(use, canonical, name, value)

    def _take_other(self, use: str, canonical: str, name: str, value: object) -> None:
        if use == Use.KEPT:
            limit = LONG_TEXTS.get(canonical, read.MAX_TEXT)
            self._keep_parameter(canonical, name, read.read_text(name, unwrapped(value), limit))
        elif use == Use.ITEMS:
            self._items.take_list(name, value)
        elif use == Use.WORKED_OUT:
            self._warnings.append(f"{name} is worked out from the action; the reported value is not used.")
        else:
            self._keep_unused(use, canonical, name, unwrapped(value))

    def _keep_unused(self, use: str, canonical: str, name: str, value: object) -> None:
        read.check_characters(name, name)
        text = read.read_text(name, value, LONG_TEXT)
        self._keep_parameter(canonical, name, text)
        if use == Use.UNUSED:
            self._unused.documented(name, canonical)
        else:
            self._unused.unknown(name, text)

    def _take_read(self, canonical: str, name: str, value: object) -> None:
        with_care = canonical in _READ_WITH_CARE
        found = self._read(canonical, name, value) if with_care else READERS[canonical](name, value)
        if self._values.setdefault(canonical, found) != found:
            raise self._differs(canonical, name)

    def _read(self, canonical: str, name: str, value: object) -> object:
        if canonical == "EventDate":
            return read.read_date(name, value, self._at)
        result = READERS[canonical](name, value)
        if canonical == "OrderId" and isinstance(value, str) and value != result:
            self._warnings.append(f"{name} is read without the blanks and spreadsheet's marks around it.")
        elif canonical in _ROUNDED and isinstance(result, Decimal):
            self._items.exact[name] = result
        return result

    def _at(self) -> datetime:
        return self._now or datetime.now(UTC).replace(microsecond=0)

    def _keep_parameter(self, canonical: str, name: str, text: str) -> None:
        if self._parameters.setdefault(canonical, text) != text:
            raise self._differs(canonical, name)

    def _differs(self, canonical: str, name: str) -> Rejected:
        other = self._first_name(canonical) if name == canonical else name
        return malformed(other, f"it differs from {canonical}, which means the same.")

    def _first_name(self, canonical: str) -> str:
        """Under which it came first."""
        said = (name for name, value in self._fields.items() if value is not None and value != "")
        return next((name for name in said if NAMES.meaning(name).field == canonical), canonical)

    def report(self) -> Report:
        get = self._values.get
        kind = get("Event", self._kind)
        new_order = kind == _CREATED
        self._take_beside_sku(kind)
        amount, post_discount = self._items.claim_total(get("Amount"), get(POST_DISCOUNT), new_order=new_order)
        items = self._items.items(new_order=new_order, currency=get("CurrencyCode", ""))
        itemized = any([item.carries_money for item in items])  # noqa: C419 -- a generator takes twice as long
        if itemized and amount is not None:
            self._warnings.append("Amount is not used: the order's amount is the sum of its items.")
        elif amount and kind == Kind.REVERSED:
            self._warnings.append("Amount is not used: a reversal takes the whole order back.")
        reason, resets = self._reason(kind)
        order_discount = self._items.discount_to_share(items, get("OrderDiscount"))
        self._refuse_unused(kind, items, amount_known=itemized or amount is not None or post_discount is not None)
        return Report(  # In order: with names it takes twice as long.
            kind,
            get("CampaignId"),
            get("ActionTrackerId"),
            get("EventTypeCode", ""),
            self._order_id(kind),
            get("ActionId"),
            get("EventDate"),
            get("MediaPartnerId"),
            get("CurrencyCode", ""),
            get("EventCode", ""),
            items,
            None if itemized else amount,
            post_discount,
            order_discount,
            reason,
            resets,
            get("MediaSourceIds"),
            self._parameters,
            (
                *self._warnings,
                *self._unused.warnings,
                *self._items.warnings,
                *self._items.rounded(get("CurrencyCode", "")),
            ),
        )

    def _reason(self, kind: ActionEvent.Kind) -> tuple[str, bool]:
        """What becomes the detail of the status, and whether it asks for the action as it was created."""
        reason, disposition = told = self._values.get("Reason", ""), self._values.get("DispositionCode", "")
        if not (reason or disposition):
            return "", False
        if reason and disposition and reason != disposition:
            self._parameters["DispositionCode"] = disposition
            self._warnings.append("DispositionCode is kept with the action; Reason becomes the StatusDetail.")
        return reason or disposition, kind in (Kind.MODIFIED, Kind.RESTORED) and RESET in map(str.upper, told)

    def _order_id(self, kind: ActionEvent.Kind) -> str:
        order_id = str(self._values.get("OrderId", ""))
        if order_ids.may_be_rounded(order_id):
            self._warnings.append("OrderId ends in zeros as if a spreadsheet had rounded it; check that it is whole.")
        if not order_ids.MADE_UP.fullmatch(order_id):
            return order_id
        if kind != Kind.CREATED:
            raise malformed("OrderId", f"{order_id} asks for a new order id; a change names a known order.")
        self._warnings.append(f"OrderId: an order id of its own is made up, as {order_id} asks.")
        return order_ids.made_up()

    def _take_beside_sku(self, kind: ActionEvent.Kind) -> None:
        """Without a Sku beside them, Name, Category, Price, Quantity and Discount say nothing of an item."""
        for flat, name, value in self._beside_sku:
            # Of a change, a lone Price or Quantity is meant for an item, and refused for want of its Sku.
            if self._items.has_sku or (kind != Kind.CREATED and flat not in ("Name", "Category")):
                self._items.take_flat(flat, name, value)
            else:
                self._keep_parameter(name, name, read.read_text(name, value, LONG_TEXT))
                self._unused.without_sku(name, flat)

    def _refuse_unused(self, kind: ActionEvent.Kind, items: Sequence[ReportedItem], *, amount_known: bool) -> None:
        """Refuse names that would have decided, and an order that would be recorded with 0.00 for want of its amount.

        Raises:
            Rejected: there is such a name, or no amount although the report tells of one.
        """
        if self._unused.may_decide:
            self._unused.refuse(
                {
                    "Amount": amount_known or kind in (Kind.REVERSED, Kind.RESTORED),  # These have none.
                    "CurrencyCode": "CurrencyCode" in self._values,
                    "ItemQuantity": not self._items.has_sku,
                    "MediaPartnerId": "MediaPartnerId" in self._values
                    or any(name in self._parameters for name in ATTRIBUTION_FIELDS.values()),
                }
            )
        if amount_known or kind != _CREATED:
            return
        for name in self._unused.totals:
            raise malformed(name, "the order's amount does not come with it; report Amount, or the items' SubTotal.")
        if items:
            raise malformed(
                "Items",
                "none has a SubTotal or Price, and the order has no Amount; report one of them, 0 if nothing is paid.",
            )


def _require_identity(report: Report) -> None:
    """A new action needs its four coordinates; a change needs one of the two ways to name its action.

    The code of an event type names its program too, as far as no other program has the same code.
    """
    has_event_type = report.action_tracker_id is not None or bool(report.event_type_code)
    if report.kind == _CREATED:
        if not report.order_id.strip():
            raise Rejected("OID_MISSING", "OrderId is missing; it tells one order from another.", "OrderId")
        for name, is_there in (
            ("CampaignId", report.campaign_id is not None or bool(report.event_type_code)),
            ("ActionTrackerId", has_event_type),
            ("EventDate", report.event_date is not None),
        ):
            if not is_there:
                raise Rejected("MALFORMED", f"{name} is missing; a new action needs it.", name)
    elif report.action_id is None and not (has_event_type and report.order_id):
        raise Rejected(
            "MALFORMED",
            "A change names its action by ActionId, or by OrderId and the event type: its ActionTrackerId or "
            "EventTypeCode.",
        )
    elif report.resets and report.has_money:
        raise malformed("Reason", f"{RESET} brings back the amounts and items of the new action; report none with it.")
    elif report.kind == Kind.REVERSED and report.items:
        raise Rejected(
            "MALFORMED", "A reversal takes the whole order back; report returned items as modified.", "Items"
        )


def _reader_of(parameter: Parameter) -> Callable[[str, object], str]:
    if parameter.name == customer_email.FIELD:
        return customer_email.read_hash
    limit = LONG_TEXTS.get(parameter.name)
    return partial(read.read_text, limit=limit) if limit else read.AS_RENDERED.get(parameter.type, read.read_text)


_PARAMETER_READERS: Final = {name: _reader_of(parameter) for name, parameter in PARAMETERS.items()}
"""By name the reader of each parameter's value, as it renders."""


def _read_kind(name: str, value: object) -> ActionEvent.Kind:
    text = read.read_text(name, value).strip().lower()
    if text not in ActionEvent.NON_STANDARD:
        known = ", ".join(ActionEvent.NON_STANDARD)
        raise malformed(name, f"{read.shown(text)} is not an event that can be reported; expected is one of {known}.")
    return Kind(text)


def _read_action_id(name: str, value: object) -> tuple[int, int, int]:
    text = order_ids.trimmed(read.read_text(name, value))
    match = ACTION_ID.fullmatch(text)
    if not match:
        raise malformed(name, f"{read.shown(text)} is not an action id; expected is one such as 1000.2001.158133.")
    program, tracker, sequence = match.groups()
    return int(program), int(tracker), int(sequence)


def _read_code(name: str, value: object) -> str:
    return read.read_text(name, value, 100).strip()


def _read_event_type_code(name: str, value: object) -> str:
    return read.read_text(name, value, MAX_EVENT_TYPE_CODE).strip()


READERS: Final[Mapping[str, Callable[[str, object], object]]] = {
    "Event": _read_kind,
    "CampaignId": read.read_id,
    "ActionTrackerId": read.read_id,
    "EventTypeCode": _read_event_type_code,
    "OrderId": order_ids.read_order_id,
    "ActionId": _read_action_id,
    "EventDate": read.read_date,
    "MediaPartnerId": read.read_id,
    "CurrencyCode": read.read_currency,
    "EventCode": _read_code,
    "Amount": read.read_amount,
    POST_DISCOUNT: read.read_amount,
    "OrderDiscount": read.read_amount,
    "Reason": _read_code,
    "DispositionCode": _read_code,
    "MediaSourceIds": read.read_ids,
}
"""The fields that decide what is recorded, by name, with the reader of each."""

_READ_WITH_CARE: Final = _ROUNDED | {"EventDate", "OrderId"}
NAMES: Final = FieldNames(read=READERS, aliases=ALIASES, parameters=PARAMETERS, worked_out=WORKED_OUT, kept=KEPT)
"""The names of all fields, with what each means."""
