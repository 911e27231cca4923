"""Actions and their updates as callers read them: the values of the latest event, under the documented names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import orjson
from django.utils.crypto import salted_hmac

from actions.api.documented import ACTION, ITEM, PERSONAL, UPDATE, filled
from actions.models import Action, ActionEvent, Item
from actions.reports.fields import read_date, write_date
from actions.reports.rejected import Rejected
from partners.models import ActionTracker
from stores.replica import reading
from value_types.currencies import minor_units

AT_ONCE: Final = 500  # Rows in memory: a page of 20,000 is read in as many steps as it takes.

# Each by the unique index of an action's events, whatever their number.
LATEST = """
SELECT asked.id, latest.parameters
FROM unnest(%s::bigint[]) AS asked (id)
CROSS JOIN LATERAL (
    SELECT e.parameters FROM actions_actionevent e WHERE e.action_id = asked.id ORDER BY e.number DESC LIMIT 1
) latest
"""


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom something is shown: where the account's addresses begin, and whether with personal data."""

    account: str
    personal: bool

    def actions(self, ids: Sequence[int]) -> Iterator[dict[str, Any]]:
        """The actions with these ids, each with the values of its latest event."""
        for part in _parts(ids):
            found = Action.objects.select_related("action_tracker").in_bulk(part)
            latest = _latest_parameters(part)
            yield from (self._action(found[pk], latest[pk]) for pk in part if pk in found and pk in latest)

    def updates(self, ids: Sequence[int]) -> Iterator[dict[str, Any]]:
        """The updates with these ids of events, each with its values of then."""
        events = ActionEvent.objects.select_related("action__action_tracker")
        for part in _parts(ids):
            found = events.in_bulk(part)
            yield from (self._update(found[pk]) for pk in part if pk in found)

    def items(self, ids: Sequence[int]) -> Iterator[dict[str, Any]]:
        """The items with these ids, as they are now."""
        items = Item.objects.select_related("action__program", "action__partner")
        for part in _parts(ids):
            found = items.in_bulk(part)
            yield from (_item(found[pk]) for pk in part if pk in found)

    def _action(self, action: Action, parameters: Mapping[str, Any]) -> dict[str, Any]:
        values = self._values(action, parameters)
        values |= {
            "Id": values.pop("ActionId"),
            "State": str(action.status),
            "ClearingDate": parameters.get("ClearedDate", ""),
            "ClearedDate": _written(action.cleared_at) if action.cleared_at else "",
            "ClientCost": parameters.get("Payout", ""),
            "NoPayoutReason": action.no_payout_reason,
            "Uri": f"{self.account}/Actions/{action.action_id}",
        }
        return filled(ACTION, values)

    def _update(self, event: ActionEvent) -> dict[str, Any]:
        parameters, action = event.parameters, event.action
        values = self._values(action, parameters)
        update_id = f"{action.action_id}.{event.number}"
        reason = parameters.get("StatusDetail", "")
        items = values["Items"]
        values |= {
            "Id": update_id,
            "EventTypeId": values.get("ActionTrackerId", ""),
            "EventTypeName": values.get("ActionTrackerName", ""),
            "UpdateType": event.kind.upper(),
            "UpdateDate": _written(event.recorded_at),
            "StateDetail": reason,
            "StateDetailDescription": reason.replace("_", " ").capitalize(),
            "Disposition": reason,
            "ActionDate": values.get("EventDate", ""),
            "ClearingDate": values.pop("ClearedDate", ""),
            "ActionUri": f"{self.account}/Actions/{action.action_id}",
            "Uri": f"{self.account}/ActionUpdates/{update_id}",
        }
        if len(items) == 1:
            values |= {name: items[0].get(key, "") for name, key in _OF_ONE_ITEM}
        return filled(UPDATE, values)

    def _values(self, action: Action, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """What an event holds, and what is known of its action beside it."""
        values = {name: text for name, text in parameters.items() if name != "items"}
        reported = action.reported
        address = reported.get("IpAddressPlain")
        values |= {
            "State": values.pop("Status", ""),
            "EventCode": action.event_code or code_of(action.action_tracker),
            "CustomerId": reported.get("CustomerId", ""),
            "CallerId": reported.get("CallerId", ""),
            "CustomerArea": reported.get("CustomerArea") or values.get("RefCustomerArea", ""),
            "IpAddress": _hashed(address) if address else "",
            "ReferringDate": _date(reported.get("ReferringDate")),
            "Items": parameters.get("items", []),
        }
        if not self.personal:
            values |= dict.fromkeys(PERSONAL & values.keys(), "")
        return values


_OF_ONE_ITEM: Final = (("Sku", "sku"), ("Category", "cat"), ("Quantity", "qty"))


def code_of(tracker: ActionTracker) -> str:
    """The code that callers may name the event type by; empty without one."""
    return tracker.code or ""


def _item(item: Item) -> dict[str, Any]:
    action = item.action
    values = {
        "Sku": item.sku,
        "ItemName": item.name,
        "Category": item.category,
        "Quantity": str(item.quantity),
        "SaleAmount": _money(item.amount, action.account_currency),
        "SaleAmountCurrency": action.account_currency,
        "PayoutCurrency": action.payout_currency,
    }
    if item.discount is not None:
        currency = action.original_currency
        values |= {"Rebate": _money(item.discount, currency), "RebateCurrency": currency}
    return filled(ITEM, values)


def _latest_parameters(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    with reading.cursor() as cursor:
        cursor.execute(LATEST, [list(ids)])
        return {pk: orjson.loads(text) if isinstance(text, str) else text for pk, text in cursor.fetchall()}


def _parts(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[start : start + AT_ONCE] for start in range(0, len(ids), AT_ONCE))


def _hashed(address: str) -> str:
    """A hash that has the documented length, and does not yield to trying all addresses."""
    return salted_hmac("actions.api: IpAddress", address, algorithm="md5").hexdigest()


def _date(reported: str | None) -> str:
    """A date that was kept as it was reported, if it is one: readers expect nothing else."""
    try:
        return write_date(read_date("ReferringDate", reported)) if reported else ""
    except Rejected:
        return ""


def _money(amount: Decimal, currency: str) -> str:
    return f"{amount:.{minor_units(currency)}f}"


def _written(moment: datetime) -> str:
    return write_date(moment.astimezone(UTC).replace(microsecond=0))
