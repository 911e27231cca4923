"""The values of all parameters at one moment of an action's life, as postbacks render them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from functools import cache
from typing import Any, TypeAlias

from actions.models import Action
from actions.recording.lines import Line
from actions.reports.customer_email import is_hash
from actions.reports.fields import write_date
from actions.reports.parameters import PARAMETERS
from value_types.currencies import minor_units

Write: TypeAlias = Callable[[Decimal, str], str]
"""Writes an amount; how many decimals it has is said as for `format`."""


def snapshot(action: Action, lines: Sequence[Line], delta_amount: Decimal, delta_payout: Decimal) -> dict[str, Any]:
    """Parameter name to text, absent ones left out, and `items`: a list of objects with the items' attributes.

    `action` comes with its program, event type and partner loaded. Parameters that postbacks may not show are in it:
    they are hidden when a request is rendered, so that showing them again needs no new event.
    """
    values: dict[str, Any] = {name: text for name, text in action.reported.items() if name in PARAMETERS}
    if not is_hash(values.get("CustomerEmail")):
        values.pop("CustomerEmail", None)  # Earlier releases kept plain addresses, which no postback carried.
    program, tracker, partner = action.program, action.action_tracker, action.partner
    if partner is not None:
        values.setdefault("ReferringType", "REPORTED_PARTNER_ID")
    account, cart, payout = action.account_currency, action.original_currency, action.payout_currency
    # Amounts from before they were rounded by their currency keep the decimals that they have.
    write = _exactly if action.net_lines is None else _rounded
    of_account, of_cart, of_payout = (f".{minor_units(each)}f" for each in (account, cart, payout))
    values |= {
        "CampaignId": str(action.program_id),
        "CampaignName": program.name,
        "ActionTrackerId": str(action.action_tracker_id),
        "ActionTrackerName": tracker.name,
        "ActionId": action.action_id,
        "Status": str(action.status),
        "StatusDetail": action.status_detail,
        "Payout": write(action.payout, of_payout),
        "DeltaPayout": write(delta_payout, of_payout),
        "IntendedPayout": write(action.intended_payout, of_payout),
        "PayoutCurrency": payout,
        "Amount": write(action.amount, of_account),
        "DeltaAmount": write(delta_amount, of_account),
        "IntendedAmount": write(action.intended_amount, of_account),
        "Currency": account,
        "OriginalCurrency": cart,
        "OriginalAmount": write(action.original_amount, of_cart),
        "EventDate": write_date(as_reported(action.event_date, action.event_utc_offset_minutes)),
        "CreationDate": write_date(action.created_at.astimezone(UTC)),
        "LockingDate": write_date(action.locking_date.astimezone(UTC)),
        "ClearedDate": write_date(action.clearing_date.astimezone(UTC)),
        "Oid": action.order_id,
        "EventCode": action.event_code,
        "MediaPartnerId": str(action.partner_id or ""),
        "MediaPartnerName": partner.name if partner else "",
    }
    present = {name: text for name, text in values.items() if text}
    present["items"] = [_item(line, write, of_account, of_cart) for line in lines]
    return present


def as_reported(moment: datetime, utc_offset_minutes: int) -> datetime:
    """The moment in the UTC offset in which it was reported."""
    return moment.astimezone(_zone(utc_offset_minutes))


@cache  # There are fewer offsets than minutes in two days.
def _zone(utc_offset_minutes: int) -> timezone:
    return timezone(timedelta(minutes=utc_offset_minutes))


def _item(line: Line, write: Write, of_account: str, of_cart: str) -> dict[str, str]:
    attributes = {
        "sku": line.sku,
        "cat": line.category,
        "qty": str(line.quantity),
        "amt": write(line.amount, of_account),
        "cartamt": write(line.sub_total, of_cart),
        "rbt": "" if line.discount is None else write(line.discount, of_cart),
        "name": line.name,
        **(line.told or {}),
    }
    return {name: text for name, text in attributes.items() if text}


_rounded: Write = format


def _exactly(amount: Decimal, decimals: str) -> str:
    written = format(amount, decimals)
    return written if Decimal(written) == amount else f"{amount:f}"
