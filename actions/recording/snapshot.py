"""The values of all parameters at one moment of an action's life, as postbacks render them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from actions.models import Action
from actions.recording.lines import Line
from actions.reports.fields import write_date
from actions.reports.parameters import PARAMETERS
from value_types.currencies import smallest_unit


def snapshot(action: Action, lines: Sequence[Line], delta_amount: Decimal, delta_payout: Decimal) -> dict[str, Any]:
    """Parameter name to text, absent ones left out, and `items`: a list of objects with the items' attributes.

    `action` comes with its program, event type and partner loaded. Parameters that postbacks may not show are in it:
    they are hidden when a request is rendered, so that showing them again needs no new event.
    """
    values: dict[str, Any] = {name: text for name, text in action.reported.items() if name in PARAMETERS}
    if action.partner is not None:
        values.setdefault("ReferringType", "REPORTED_PARTNER_ID")
    account, cart, payout = action.account_currency, action.original_currency, action.payout_currency
    of_account, of_cart, of_payout = smallest_unit(account), smallest_unit(cart), smallest_unit(payout)
    values |= {
        "CampaignId": str(action.program_id),
        "CampaignName": action.program.name,
        "ActionTrackerId": str(action.action_tracker_id),
        "ActionTrackerName": action.action_tracker.name,
        "ActionId": action.action_id,
        "Status": str(action.status),
        "StatusDetail": action.status_detail,
        "Payout": _money(action.payout, of_payout),
        "DeltaPayout": _money(delta_payout, of_payout),
        "IntendedPayout": _money(action.intended_payout, of_payout),
        "PayoutCurrency": payout,
        "Amount": _money(action.amount, of_account),
        "DeltaAmount": _money(delta_amount, of_account),
        "IntendedAmount": _money(action.intended_amount, of_account),
        "Currency": account,
        "OriginalCurrency": cart,
        "OriginalAmount": _money(action.original_amount, of_cart),
        "EventDate": write_date(as_reported(action.event_date, action.event_utc_offset_minutes)),
        "CreationDate": write_date(action.created_at.astimezone(UTC)),
        "LockingDate": write_date(action.locking_date.astimezone(UTC)),
        "ClearedDate": write_date(action.clearing_date.astimezone(UTC)),
        "Oid": action.order_id,
        "EventCode": action.event_code,
        "MediaPartnerId": str(action.partner_id or ""),
        "MediaPartnerName": action.partner.name if action.partner else "",
    }
    present = {name: text for name, text in values.items() if text}
    present["items"] = [_item(line, of_account, of_cart) for line in lines]
    return present


def as_reported(moment: datetime, utc_offset_minutes: int) -> datetime:
    """The moment in the UTC offset in which it was reported."""
    return moment.astimezone(timezone(timedelta(minutes=utc_offset_minutes)))


def _item(line: Line, of_account: Decimal, of_cart: Decimal) -> dict[str, str]:
    attributes = {
        "sku": line.sku,
        "cat": line.category,
        "qty": str(line.quantity),
        "amt": _money(line.amount, of_account),
        "cartamt": _money(line.sub_total, of_cart),
        "rbt": "" if line.discount is None else _money(line.discount, of_cart),
        "name": line.name,
    }
    return {name: text for name, text in attributes.items() if text}


def _money(amount: Decimal, unit: Decimal) -> str:
    """The amount in whole `unit`s; one from before amounts were rounded by their currency keeps its decimals."""
    written = amount.quantize(unit, ROUND_HALF_EVEN)
    return f"{written if written == amount else amount:f}"
