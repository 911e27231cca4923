"""The fields of what is read, as the documented conversion API names them: what each holds, and an example. Pure.

Every one of them is in every answer; what is not known is an empty text.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import GenericAlias
from typing import Any, Final, cast

from ninja import Field, Schema
from pydantic import create_model

from actions.reports.parameters import PARAMETERS

Fields = Mapping[str, tuple[str, str]]
"""Of each field what it holds, and an example."""

PERSONAL: Final = frozenset({"CustomerId", "CallerId", "CustomerArea", "IpAddress"}) | frozenset(
    name for name, parameter in PARAMETERS.items() if parameter.personal
)
"""What tells who or where a customer is; empty for a token that may not see it."""

_ACCOUNT: Final = "/Advertisers/PPx1"


def _parameters(*names: str) -> dict[str, tuple[str, str]]:
    return {name: (PARAMETERS[name].description, PARAMETERS[name].example) for name in names}


_KEPT: Final[Fields] = {
    "EventCode": ("The code of the in-app event, else of the event type", "SALE"),
    "CustomerId": ("The customer's id as reported; personal", "C-4711"),
    "CallerId": ("The caller's id as reported; personal", ""),
    "CustomerArea": ("The customer's area as reported, else at the click; personal", "501"),
    "IpAddress": ("A hash of the customer's IP address, by a key of this installation; personal", "9f86d081884c7d65"),
    "ReferringDate": ("When the customer was referred, if reported", "2026-11-20T10:40:00-07:00"),
}

ACTION: Final[Fields] = {
    "Id": ("The action's id: program, event type and sequence", "1000.2001.158133"),
    **_parameters("CampaignId", "CampaignName", "ActionTrackerId", "ActionTrackerName"),
    **_parameters("MediaPartnerId", "MediaPartnerName"),
    "State": ("PENDING, APPROVED or REVERSED", "PENDING"),
    **_parameters("StatusDetail", "AdId"),
    "ClientCost": ("What the action costs the brand: the payout, in the partner's currency", "7.91"),
    **_parameters("Payout", "DeltaPayout", "IntendedPayout", "PayoutCurrency"),
    **_parameters("Amount", "DeltaAmount", "IntendedAmount", "Currency", "OriginalCurrency", "OriginalAmount"),
    **_parameters("EventDate", "CreationDate", "LockingDate"),
    "ClearingDate": ("When the action is to clear", "2027-01-04T17:42:38+00:00"),
    "ClearedDate": ("When the action has cleared; empty until then", ""),
    **_parameters("ReferringType", "ReferringDomain", "PromoCode", "Oid"),
    **_KEPT,
    **_parameters("CustomerStatus", "CustomerPostCode", "CustomerCity", "CustomerRegion", "CustomerCountry"),
    **_parameters("SharedId", "SubId1", "SubId2", "SubId3", "Note"),
    "NoPayoutReason": ("Why nobody is paid: a reason code", ""),
    "Uri": ("Where the action is read", f"{_ACCOUNT}/Actions/1000.2001.158133"),
}

UPDATE: Final[Fields] = {
    "Id": ("The action's id and the number of the update in its life", "1000.2001.158133.2"),
    **_parameters("ActionId", "CampaignId", "CampaignName", "ActionTrackerId"),
    "EventTypeId": ("The event type's id", "2001"),
    "EventTypeName": ("The event type's name", "Online Sale"),
    **_parameters("MediaPartnerId", "MediaPartnerName"),
    "UpdateType": ("CREATED, MODIFIED, REVERSED or RESTORED", "MODIFIED"),
    "UpdateDate": ("When the update was recorded", "2026-11-21T08:00:00+00:00"),
    "State": ("The action's state at that time", "PENDING"),
    "StateDetail": ("The reason code behind the state, if there is one", "ITEM_RETURNED"),
    "StateDetailDescription": ("The reason in words", "Item returned"),
    "Disposition": ("The reason code that the update was reported with", "ITEM_RETURNED"),
    **_parameters("AdId", "Payout", "DeltaPayout", "PayoutCurrency", "Amount", "DeltaAmount", "Currency"),
    "Sku": ("The item's SKU, of an order of one item", "GH23"),
    "Category": ("The item's category, of an order of one item", "Watches"),
    "Quantity": ("How many were bought, of an order of one item", "3"),
    "ActionDate": ("When the conversion took place", "2026-11-20T10:42:38-07:00"),
    **_parameters("EventDate", "LockingDate"),
    "ClearingDate": ("When the action is to clear", "2027-01-04T17:42:38+00:00"),
    **_parameters("Oid"),
    **_KEPT,
    **_parameters("CustomerStatus", "SharedId"),
    "ActionUri": ("Where the action is read", f"{_ACCOUNT}/Actions/1000.2001.158133"),
    "Uri": ("Where the update is read", f"{_ACCOUNT}/ActionUpdates/1000.2001.158133.2"),
}

ITEM: Final[Fields] = {
    "Sku": ("The item's SKU", "GH23"),
    "ItemName": ("Its name", "Diver watch"),
    "Category": ("Its category", "Watches"),
    "Quantity": ("How many were bought", "3"),
    "SaleAmount": ("Its subtotal after discounts", "2.92"),
    "SaleAmountCurrency": ("The program's currency", "USD"),
    "Payout": ("Empty: the payout is of the whole action", ""),
    "PayoutCurrency": ("The partner's currency", "USD"),
    "Rebate": ("Its own discount", "1.00"),
    "RebateCurrency": ("The currency of the shopping cart", "USD"),
    "AdjustmentDate": ("Empty: an action's updates tell what was changed when", ""),
    "AdjustmentReason": ("Empty, as above", ""),
}

SUBMISSION: Final[Fields] = {
    "Id": ("As BatchId", "A-17"),
    "BatchId": ("The submission's id, as in QueuedUri", "A-17"),
    "AccountId": ("1: an installation is one account", "1"),
    "SubmissionDate": ("When it arrived", "2026-11-20T17:42:41+00:00"),
    "ReceivedDate": ("As SubmissionDate", "2026-11-20T17:42:41+00:00"),
    "CampaignId": ("The program's id", "1000"),
    "ActionTrackerId": ("The event type's id", "2001"),
    "MediaPartnerId": ("The partner's id", "3001"),
    "EventCode": ("The code of the in-app event, else of the event type", "SALE"),
    "OrderId": ("The order's id", "SS-50121"),
    "Payload": ("What was reported, form-encoded: of refused ones, for tokens that see personal data", ""),
    "Type": ("Conversion, Modification, Reversal or Batch", "Conversion"),
    "Status": ("Queued, In Progress or Complete", "Complete"),
    "Result": ("recorded, repeated or rejected; of a batch running or complete", "recorded"),
    "CompletionDate": ("When it was processed; empty until then", "2026-11-20T17:42:41+00:00"),
    "ProcessedDate": ("As CompletionDate", "2026-11-20T17:42:41+00:00"),
    "ErrorType": ("Validation or Contract Error; empty without an error", ""),
    "ErrorReason": ("A reason code, or empty", ""),
    "Message": ("The reason in words", ""),
    "ActionId": ("The id of the action that it led to", "1000.2001.158133"),
    "Uri": ("Where it is read", f"{_ACCOUNT}/APISubmissions/A-17"),
}

CAMPAIGN: Final[Fields] = {
    "Id": ("The program's id", "1000"),
    "CampaignId": ("As Id", "1000"),
    "Name": ("The program's name", "Summit Supply"),
    "CampaignName": ("As Name", "Summit Supply"),
    "State": ("ACTIVE: programs here have no other", "ACTIVE"),
    "Type": ("Performance: programs here have no other", "Performance"),
    "Currency": ("The currency of its amounts", "USD"),
    "Uri": ("Where the program is read", f"{_ACCOUNT}/Campaigns/1000"),
}

PARTNER: Final[Fields] = {
    "Id": ("The partner's id", "3001"),
    "Name": ("The partner's name", "Deal Compass"),
    "State": ("ACTIVE, or INACTIVE if it is switched off for new actions", "ACTIVE"),
    "RelationshipState": ("ACTIVE with a contract of today, else INACTIVE", "ACTIVE"),
    "PartnerType": ("DIRECT: partners here have no other", "DIRECT"),
    "Currency": ("The currency of its payouts", "USD"),
    "Uri": ("Where the partner is read", f"{_ACCOUNT}/MediaPartners/3001"),
}

CONTRACT: Final[Fields] = {
    "Id": ("The contract's id", "4001"),
    "CampaignId": ("The program's id", "1000"),
    "CampaignName": ("The program's name", "Summit Supply"),
    "PartnerId": ("The partner's id", "3001"),
    "MediaPartnerId": ("As PartnerId", "3001"),
    "MediaPartnerName": ("The partner's name", "Deal Compass"),
    "Status": ("UPCOMING, ACTIVE or EXPIRED", "ACTIVE"),
    "StartDate": ("Its first day", "2026-01-01T00:00:00+00:00"),
    "EndDate": ("The end of its last day; empty while it is open", "2026-12-31T23:59:59+00:00"),
    "Uri": ("Where the contract is read", f"{_ACCOUNT}/Campaigns/1000/Contracts/4001"),
}

ENVELOPE: Final[Fields] = {
    "@page": ("The page, from 1", "1"),
    "@numpages": ("How many pages there are, or more than that: a page past the end is empty", "3"),
    "@pagesize": ("How many entries a page has", "2000"),
    "@total": ("How many entries there are; of very many an upper bound", "4812"),
    "@start": ("The place of the first entry, from 0", "0"),
    "@end": ("The place of the last entry", "1999"),
    "@uri": ("The address of this page", f"{_ACCOUNT}/Actions?PageSize=2000"),
    "@firstpageuri": ("The address of the first page", f"{_ACCOUNT}/Actions?PageSize=2000&Page=1"),
    "@previouspageuri": ("The address of the page before; empty on the first", ""),
    "@nextpageuri": (
        "The address of the next page; empty on the last",
        f"{_ACCOUNT}/Actions?PageSize=2000&Page=2&PageKey=4812-156134",
    ),
    "@lastpageuri": ("The address of the last page", f"{_ACCOUNT}/Actions?PageSize=2000&Page=3"),
}


def filled(fields: Fields, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values, with an empty text for each field that has none, in the order of the fields."""
    return {**dict.fromkeys(fields, ""), **values}


def schema(name: str, about: str, fields: Fields, *, base: type[Schema] = Schema, **more: Any) -> type[Schema]:
    """The shape of an entry, for the API's document. `more` has the fields that are no text, as pydantic names them."""
    texts = {
        name.replace("@", "at_"): (str, Field(..., alias=name, description=description, examples=[example]))
        for name, (description, example) in fields.items()
    }
    made = create_model(name, __base__=base, __doc__=about, **texts, **more)  # type: ignore[call-overload] # Its names are data.
    return cast("type[Schema]", made)


def many(shape: type[Schema], description: str = "", default: Any = ...) -> Any:
    """A field with entries of this shape, as pydantic names fields."""
    return (GenericAlias(list, (shape,)), Field(default, description=description))
