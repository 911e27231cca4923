"""Other names of fields, and fields that are no parameters or not taken from reports: the tables behind all names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from actions.reports.parameters import PARAMETERS
from partners.models import AttributionRule

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
    "StatusDetail": "Reason",
    "ClickId": "RefClickId",
    "OrderPromoCode": "PromoCode",
    "IpAddress": "IpAddressPlain",
    "AndroidId": "androidId",
    "AppleIfa": "iosIfa",
    "AppVer": "appVersion",
    "DeviceMfr": "deviceManuf",
    "DeviceOsVer": "deviceOsVersion",
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
