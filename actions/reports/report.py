"""A report: what a sender says of one conversion, read from named fields and not yet compared with the database. Pure.

The field names are those of the conversion API; every template parameter is accepted under its own name as well.
Fields that are empty or null count as absent.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from actions.models import ActionEvent
from actions.reports import fields as read
from actions.reports.parameters import PARAMETERS, ParameterType
from actions.reports.rejected import Rejected, malformed
from actions.reports.reported_items import ItemFields, ReportedItem
from partners.models import AttributionRule

Kind = ActionEvent.Kind

ALIASES: Final[Mapping[str, str]] = {
    "ActionID": "ActionId",
    "ActionTrackerID": "ActionTrackerId",
    "EventTypeId": "ActionTrackerId",
    "MediaId": "MediaPartnerId",
    "Oid": "OrderId",
    "OriginalCurrency": "CurrencyCode",
    "Currency": "CurrencyCode",
    "OriginalAmount": "Amount",
    "OrderSubTotalPreDiscount": "Amount",
    "OrderSubtotal": "Amount",
    "DispositionCode": "Reason",
    "StatusDetail": "Reason",
    "ClickId": "RefClickId",
    "OrderPromoCode": "PromoCode",
    "IpAddress": "IpAddressPlain",
    "AndroidId": "androidId",
    "AppleIfa": "iosIfa",
}
"""Other names under which a field may come."""

WORKED_OUT: Final = frozenset(
    {
        "CampaignName",
        "ActionTrackerName",
        "MediaPartnerName",
        "Status",
        "Payout",
        "DeltaPayout",
        "IntendedPayout",
        "PayoutCurrency",
        "DeltaAmount",
        "IntendedAmount",
        "CreationDate",
        "LockingDate",
        "ClearedDate",
        "DeliveryId",
        "Attempt",
        "ActionEvent",
    }
)
"""Parameters that follow from the action itself: a reported value is not used."""

ATTRIBUTION_FIELDS: Final[Mapping[str, str]] = {
    AttributionRule.Key.CLICK_ID: "RefClickId",
    AttributionRule.Key.CUSTOM_CLICK_ID: "CustomClickId",
    AttributionRule.Key.PROMO_CODE: "PromoCode",
    AttributionRule.Key.UNIQUE_URL: "UniqueUrl",
    AttributionRule.Key.CALLER_ID: "CallerId",
    AttributionRule.Key.CUSTOMER_ID: "CustomerId",
    AttributionRule.Key.CUSTOM_PROFILE_ID: "CustomProfileId",
    AttributionRule.Key.GOOGLE_AD_ID: "GoogAId",
    AttributionRule.Key.ANDROID_ID: "androidId",
    AttributionRule.Key.APPLE_IFA: "iosIfa",
    AttributionRule.Key.APPLE_IFV: "AppleIfv",
}
"""The field that holds what an action can be attributed by. Those that are no parameters are kept all the same."""
KEPT: Final = frozenset(ATTRIBUTION_FIELDS.values()) - PARAMETERS.keys()

# Addresses of pages and browsers' names are often longer than the usual limit.
LONG_TEXTS: Final = {"LandingPageUrl": 2000, "UniqueUrl": 2000, "UserAgent": 2000}
# Which of the parameters that are money may be reported, in the cart's currency.
REPORTED_MONEY: Final = ("Money1", "Money2", "Money3")
POST_DISCOUNT: Final = "OrderSubTotalPostDiscount"
MAX_FIELDS = 1000 * 12  # As many as the most items have, flat; bounds the work on one report.
MAX_NAME = 100
ACTION_ID = re.compile(r"(\d{1,18})\.(\d{1,18})\.(\d{1,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Report:
    """One report. Of a change, what is absent stays as it was."""

    kind: ActionEvent.Kind
    campaign_id: int | None = None
    action_tracker_id: int | None = None
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
    media_source_ids: tuple[int, ...] | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)  # Everything else, by its name, as it renders.
    warnings: tuple[str, ...] = ()

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


def parse_report(fields: Mapping[str, object], *, now: datetime | None = None) -> Report:
    """Read one report from its fields; `now` is what the event date NOW stands for (default: the clock).

    Raises:
        Rejected: a value is wrong or a field that the kind of report needs is missing.
    """
    if len(fields) > MAX_FIELDS:
        raise Rejected("MALFORMED", f"{len(fields)} fields; at most {MAX_FIELDS} are allowed.")
    reader = _Reader(now or datetime.now(UTC).replace(microsecond=0))
    for name, value in fields.items():
        if value is not None and value != "":
            reader.take(name, value)
    report = reader.report()
    _require_identity(report)
    return report


class _Reader:
    """Collects the fields of one report."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._values: dict[str, Any] = {}  # Each of the type that its reader returns.
        self._parameters: dict[str, str] = {}
        self._warnings: list[str] = []
        self._items = ItemFields()

    def take(self, name: str, value: object) -> None:
        if len(name) > MAX_NAME:
            raise Rejected("MALFORMED", f"{name[:MAX_NAME]}…: a field's name has at most {MAX_NAME} characters.")
        canonical = ALIASES.get(name, name)
        if canonical in ("Items", "items"):
            self._items.take_list(name, value)
        elif canonical in READERS:
            self._keep(canonical, name, self._read(canonical, name, value))
        elif canonical in WORKED_OUT:
            self._warnings.append(f"{name} is worked out from the action; the reported value is not used.")
        elif canonical in PARAMETERS:
            text = read_parameter(canonical, name, value)
            if self._parameters.setdefault(canonical, text) != text:
                raise malformed(name, f"it differs from {canonical}, which means the same.")
        elif canonical in KEPT:
            self._parameters[canonical] = read.read_text(name, value, LONG_TEXTS.get(canonical, read.MAX_TEXT))
        elif not self._items.take_flat(name, value):
            read.check_characters(name, name)
            self._parameters[name] = read.read_text(name, value, 2000)
            self._warnings.append(_unknown(name))

    def _read(self, canonical: str, name: str, value: object) -> object:
        if canonical == "EventDate":
            return read.read_date(name, value, self._now)
        return READERS[canonical](name, value)

    def _keep(self, canonical: str, name: str, value: object) -> None:
        if self._values.setdefault(canonical, value) != value:
            raise malformed(name, f"it differs from {canonical}, which means the same.")

    def report(self) -> Report:
        get = self._values.get
        kind = get("Event", Kind.CREATED)
        new_order = kind == Kind.CREATED
        amount, post_discount = self._items.claim_total(get("Amount"), get(POST_DISCOUNT), new_order=new_order)
        items = self._items.items(new_order=new_order)
        itemized = any(item.carries_money for item in items)
        if itemized and amount is not None:
            self._warnings.append("Amount is not used: the order's amount is the sum of its items.")
        order_discount = self._items.discount_to_share(items, get("OrderDiscount"))
        return Report(
            kind=kind,
            campaign_id=get("CampaignId"),
            action_tracker_id=get("ActionTrackerId"),
            order_id=get("OrderId", ""),
            action_id=get("ActionId"),
            event_date=get("EventDate"),
            partner_id=get("MediaPartnerId"),
            currency=get("CurrencyCode", ""),
            event_code=get("EventCode", ""),
            items=items,
            amount=None if itemized else amount,
            post_discount=post_discount,
            order_discount=order_discount,
            reason=get("Reason", ""),
            media_source_ids=get("MediaSourceIds"),
            parameters=self._parameters,
            warnings=(*self._warnings, *self._items.warnings),
        )


def _require_identity(report: Report) -> None:
    """A new action needs its four coordinates; a change needs one of the two ways to name its action."""
    if report.kind == Kind.CREATED:
        if not report.order_id.strip():
            raise Rejected("OID_MISSING", "OrderId is missing; it tells one order from another.", "OrderId")
        for name, value in (
            ("CampaignId", report.campaign_id),
            ("ActionTrackerId", report.action_tracker_id),
            ("EventDate", report.event_date),
        ):
            if value is None:
                raise Rejected("MALFORMED", f"{name} is missing; a new action needs it.", name)
    elif report.action_id is None and (report.action_tracker_id is None or not report.order_id):
        raise Rejected("MALFORMED", "A change names its action by ActionId, or by ActionTrackerId and OrderId.")
    elif report.kind == Kind.REVERSED and report.items:
        raise Rejected(
            "MALFORMED", "A reversal takes the whole order back; report returned items as modified.", "Items"
        )


def read_parameter(canonical: str, name: str, value: object) -> str:
    """The value of the parameter `canonical`, reported as `name`, as it renders."""
    match PARAMETERS[canonical].type:
        case ParameterType.NUMBER:
            return f"{read.read_number(name, value):f}"
        case ParameterType.MONEY:
            return f"{read.read_money(name, value):f}"
        case ParameterType.DATE:
            return read.write_date(read.read_date(name, value))
        case _:
            return read.read_text(name, value, LONG_TEXTS.get(canonical, read.MAX_TEXT))


def _read_kind(name: str, value: object) -> ActionEvent.Kind:
    text = read.read_text(name, value).strip().lower()
    if text not in ActionEvent.NON_STANDARD:
        known = ", ".join(ActionEvent.NON_STANDARD)
        raise malformed(name, f"{read.shown(text)} is not an event that can be reported; expected is one of {known}.")
    return Kind(text)


def _read_action_id(name: str, value: object) -> tuple[int, int, int]:
    text = read.read_text(name, value).strip()
    match = ACTION_ID.fullmatch(text)
    if not match:
        raise malformed(name, f"{read.shown(text)} is not an action id; expected is one such as 1000.2001.158133.")
    program, tracker, sequence = match.groups()
    return int(program), int(tracker), int(sequence)


def _read_code(name: str, value: object) -> str:
    return read.read_text(name, value, 100).strip()


READERS: Final[Mapping[str, Callable[[str, object], object]]] = {
    "Event": _read_kind,
    "CampaignId": read.read_id,
    "ActionTrackerId": read.read_id,
    "OrderId": read.read_text,
    "ActionId": _read_action_id,
    "EventDate": read.read_date,
    "MediaPartnerId": read.read_id,
    "CurrencyCode": read.read_currency,
    "EventCode": _read_code,
    "Amount": read.read_amount,
    POST_DISCOUNT: read.read_amount,
    "OrderDiscount": read.read_amount,
    "Reason": _read_code,
    "MediaSourceIds": read.read_ids,
}
"""The fields that decide what is recorded, by name, with the reader of each."""

_KNOWN_NAMES: Final = sorted({*READERS, *ALIASES, *PARAMETERS, *KEPT, "Items"})


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, _KNOWN_NAMES, n=1, cutoff=0.8)
    guess = f" Did you mean {near[0]}?" if near else ""
    return f"{name} is no known field; it is kept with the action, and no postback can carry it.{guess}"
