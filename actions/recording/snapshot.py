"""The values of all parameters at one moment of an action's life, as postbacks render them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any, NamedTuple, TypeAlias

from actions.models import Action
from actions.recording.lines import Line
from actions.reports.customer_email import is_hash
from actions.reports.fields import write_date
from actions.reports.parameters import PARAMETERS
from value_types.currencies import minor_units, smallest_unit

Write: TypeAlias = Callable[[Decimal], str]
"""Writes an amount of one currency."""


class Named(NamedTuple):
    """The values that many actions have in common: of the program, the event type, the partner and the currencies."""

    values: Mapping[str, str]
    missing: tuple[str, ...]  # What the action has none of, whatever was reported.
    of_account: Write
    of_cart: Write
    of_payout: Write

    @classmethod
    def of(cls, action: Action) -> Named:
        """Those of an action, with its program, event type and partner loaded."""
        program, tracker, partner = action.program, action.action_tracker, action.partner
        account, cart, payout = action.account_currency, action.original_currency, action.payout_currency
        values = {
            "CampaignId": str(program.pk),
            "CampaignName": program.name,
            "ActionTrackerId": str(tracker.pk),
            "ActionTrackerName": tracker.name,
            "PayoutCurrency": payout,
            "Currency": account,
            "OriginalCurrency": cart,
            "MediaPartnerId": str(action.partner_id or ""),
            "MediaPartnerName": partner.name if partner else "",
        }
        # Amounts from before they were rounded by their currency keep the decimals that they have.
        writer = _exact_writer if action.net_lines is None else _writer
        return cls(
            {name: text for name, text in values.items() if text},
            tuple([name for name, text in values.items() if not text]),
            *(writer(each) for each in (account, cart, payout)),
        )


def snapshot(
    action: Action, lines: Sequence[Line], delta_amount: Decimal, delta_payout: Decimal, named: Named | None = None
) -> dict[str, Any]:
    """Parameter name to text, absent ones left out, and `items`: a list of objects with the items' attributes.

    `action` comes with its program, event type and partner loaded; `named`, if it is known, is of it. Parameters that
    postbacks may not show are in it: they are hidden when a request is rendered, so that showing them again needs no
    new event.
    """
    now = vars(action)  # Past Django's descriptors, as the values of thousands are asked for.
    shared, missing, of_account, of_cart, of_payout = named or Named.of(action)
    values: dict[str, Any] = {name: text for name, text in now["reported"].items() if text and name in PARAMETERS}
    if "CustomerEmail" in values and not is_hash(values["CustomerEmail"]):
        del values["CustomerEmail"]  # Earlier releases kept plain addresses, which no postback carried.
    if now["partner_id"] is not None:
        values.setdefault("ReferringType", "REPORTED_PARTNER_ID")
    for name in missing:
        values.pop(name, None)
    values.update(shared)
    for name, text in (("StatusDetail", now["status_detail"]), ("EventCode", now["event_code"])):
        if text:
            values[name] = text
        else:
            values.pop(name, None)
    values |= {
        "ActionId": f"{shared['CampaignId']}.{shared['ActionTrackerId']}.{now['id']}",
        "Status": str(now["status"]),
        "Payout": of_payout(now["payout"]),
        "DeltaPayout": of_payout(delta_payout),
        "IntendedPayout": of_payout(now["intended_payout"]),
        "Amount": of_account(now["amount"]),
        "DeltaAmount": of_account(delta_amount),
        "IntendedAmount": of_account(now["intended_amount"]),
        "OriginalAmount": of_cart(now["original_amount"]),
        "EventDate": write_date(as_reported(now["event_date"], now["event_utc_offset_minutes"])),
        "CreationDate": _in_utc(now["created_at"]),
        "LockingDate": write_date(now["locking_date"].astimezone(UTC)),
        "ClearedDate": write_date(now["clearing_date"].astimezone(UTC)),
        "Oid": now["order_id"],
        "items": [_item(line, of_account, of_cart) for line in lines],
    }
    return values


@lru_cache(16)  # All new actions of a group are made at one moment.
def _in_utc(moment: datetime) -> str:
    return write_date(moment.astimezone(UTC))


def as_reported(moment: datetime, utc_offset_minutes: int) -> datetime:
    """The moment in the UTC offset in which it was reported."""
    zone = _zone(utc_offset_minutes)
    return moment if moment.tzinfo == zone else moment.astimezone(zone)  # As that of a new action.


@cache  # There are fewer offsets than minutes in two days.
def _zone(utc_offset_minutes: int) -> timezone:
    return timezone(timedelta(minutes=utc_offset_minutes))


def _item(line: Line, of_account: Write, of_cart: Write) -> dict[str, str]:
    sku, category, name, quantity, sub_total, amount, discount, _, _, _, told = line
    attributes = {"qty": str(quantity), "amt": of_account(amount), "cartamt": of_cart(sub_total)}
    if sku:
        attributes["sku"] = sku
    if category:
        attributes["cat"] = category
    if discount is not None:
        attributes["rbt"] = of_cart(discount)
    if name:
        attributes["name"] = name
    if told:
        attributes |= told
        return {name: text for name, text in attributes.items() if text}
    return attributes


@cache  # There are fewer currencies than countries.
def _writer(currency: str) -> Write:
    """Writes amounts with the decimals of the currency."""
    unit, decimals = smallest_unit(currency), f".{minor_units(currency)}f"

    def write(amount: Decimal) -> str:
        # Nearly all have its decimals; then `str` writes the same in a third of the time.
        return str(amount) if unit.same_quantum(amount) else format(amount, decimals)

    return write


@cache
def _exact_writer(currency: str) -> Write:
    """Writes amounts with the decimals of the currency, or with those that they have."""
    decimals = f".{minor_units(currency)}f"

    def write(amount: Decimal) -> str:
        written = format(amount, decimals)
        return written if Decimal(written) == amount else f"{amount:f}"

    return write
