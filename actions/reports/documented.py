"""Field names of the documented conversion API, versions 12 to 14, that are known here and not used. Pure."""

from __future__ import annotations

import re
from typing import Final

UNUSED: Final = frozenset(
    {
        "AppInstallRef",
        "CountryCode",
        "GiftPurchase",
        "LocationId",
        "LocationName",
        "LocationType",
        "OrderMargin",
        "OrderShipping",
        "OrderTax",
        "PaymentType",
        "PhoneNumber",
        "PropertyId",
        "TrackingConsent",
    }
)
"""Fields of the order; what is read of them stands before this list wherever names are looked up."""

TOTALS: Final = frozenset(
    {
        "OrderMargin",
        "OrderShipping",
        "OrderTax",
    }
)
"""Those of them that tell of an order that has an amount."""

_ITEM_MARGIN: Final = re.compile(r"itemmargin\d{0,4}", re.ASCII)


def is_unused_item_field(squashed: str) -> bool:
    """Whether this is the documented field of an item that is not used, in small letters: `ItemMargin1`."""
    return bool(_ITEM_MARGIN.fullmatch(squashed))
