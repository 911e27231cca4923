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

ITEM_UNUSED: Final = frozenset(
    {
        "brand",
        "deliverytype",
        "margin",
        "mpn",
        "promocode",
        "subcategory",
    }
)
"""Fields of an item, in small letters; those that are read stand before them too."""

# The second number is that of the field: the items' own texts, numbers, dates and amounts are numbered twice.
_TWICE_NUMBERED: Final = re.compile(r"(?:item)?(?:text|numeric|date|money)\d{0,4}_\d{1,2}", re.ASCII | re.IGNORECASE)
_NUMBERED: Final = re.compile(rf"item(?:{'|'.join(sorted(ITEM_UNUSED))})\d{{0,4}}", re.ASCII)


def is_unused_item_field(name: str, squashed: str) -> bool:
    """Whether this is a documented field of an item that is not used: `ItemBrand1`, `ItemText1_1`."""
    return bool(_TWICE_NUMBERED.fullmatch(name.strip()) or _NUMBERED.fullmatch(squashed))
