"""Unknown names that are near a field that decides: what is paid, to whom, and for which order. Pure.

A misspelt city is a note, a misspelt amount is a refusal: the report would be recorded with a wrong amount.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from actions.reports.spelling import letters, likeness, one_letter_more, words

MONEY, CURRENCY, PARTNER = "the amount", "the currency", "who is credited"
EVENT_TYPE, ORDER, ITEMS = "the event type", "the order", "the items"

DECIDING: Final = {
    "Amount": MONEY,
    "OriginalAmount": MONEY,
    "OrderSubTotalPostDiscount": MONEY,
    "OrderSubTotalPreDiscount": MONEY,
    "OrderSubtotal": MONEY,
    "OrderDiscount": MONEY,
    "CurrencyCode": CURRENCY,
    "OriginalCurrency": CURRENCY,
    "Currency": CURRENCY,
    "MediaPartnerId": PARTNER,
    "MediaId": PARTNER,
    "ClickId": PARTNER,
    "CustomClickId": PARTNER,
    "PromoCode": PARTNER,
    "OrderPromoCode": PARTNER,
    "Event": "what has happened",
    "ActionTrackerId": EVENT_TYPE,
    "EventTypeId": EVENT_TYPE,
    "EventTypeCode": EVENT_TYPE,
    "OrderId": ORDER,
    "Oid": ORDER,
    "ActionId": ORDER,
    "Items": ITEMS,
    "ItemSku": ITEMS,
    "ItemCategory": ITEMS,
    "ItemName": ITEMS,
    "ItemQuantity": ITEMS,
    "ItemQuantityDelta": ITEMS,
    "ItemPrice": ITEMS,
    "ItemAmount": ITEMS,
    "ItemSubTotal": ITEMS,
    "ItemSubTotalDelta": ITEMS,
    "ItemDiscount": ITEMS,
    "ItemTotalDiscount": ITEMS,
    "ItemDiscountRate": ITEMS,
    "Sku": ITEMS,
    "SubTotal": ITEMS,
    "Quantity": ITEMS,
}
"""The fields that decide, and what each decides."""

_LETTERS: Final = {letters(name): name for name in DECIDING if not name.startswith("Item") or name == "Items"}

# With a number behind it, or in a list of items, one of these words means an item's field.
_OF_ITEMS: Final = {
    "sku": "ItemSku",
    "skus": "ItemSku",
    "qty": "ItemQuantity",
    "quantity": "ItemQuantity",
    "price": "ItemPrice",
    "amt": "ItemAmount",
    "amount": "ItemAmount",
    "discount": "ItemDiscount",
    "subtotal": "ItemSubTotal",
    "total": "ItemSubTotal",
    "name": "ItemName",
    "category": "ItemCategory",
}
# They mean the same in the middle of a word.
_UNMISTAKABLE: Final = frozenset({"quantity", "price", "amount", "discount", "subtotal", "total"})
_TOTALS: Final = ("amount", "subtotal", "total", "revenue", "turnover")
_TOTAL_WORDS: Final = frozenset({"amt", "amnt", "price", "value", "sum", "gross", "net", "sale", "sales", "cost"})
# Near OrderSubTotal in letters, and another thing: many report it beside the amount.
_WORDS_OF_THEIR_OWN: Final = frozenset({"ordertotal"})
_QUANTITIES: Final = frozenset({"qty", "count", "units", "pieces"})
_CURRENCIES: Final = frozenset({"ccy", "cur", "curr"})
_PARTNERS: Final = ("partnerid", "publisherid", "affiliateid")
_PARTNER_NAMES: Final = frozenset({"partner", "publisher", "affiliate", "affid", "pubid", "partnercode"})
# A discount with one of these behind it is a code or a text.
_NO_MONEY: Final = ("code", "codes", "name", "type", "id", "reason", "description", "text")
_NUMBER: Final = re.compile(r"\s*[^\d\s]{0,4}\s*\d[\d.,' ]*[^\d\s]{0,4}\s*")


@dataclass(frozen=True, slots=True)
class NearMiss:
    """An unknown name that is near the deciding field `field`."""

    name: str
    field: str
    # A slip is refused in any case. Another word for the field is, if nothing in the report says the same: what is
    # reported beside an Amount as SaleTax Amount may be what it says.
    slip: bool

    @property
    def decides(self) -> str:
        """What the field decides."""
        return DECIDING[self.field]


def near_miss(name: str, value: object, known: Iterable[str]) -> NearMiss | None:
    """The near miss that the unknown `name` is, if it is one; `known` are the fields that decide nothing, in letters.

    A name that is nearer to one of those is a slip of that.
    """
    plain = letters(name)
    best, field = max((likeness(plain, each), field) for each, field in _LETTERS.items())
    if (
        best
        and plain not in _WORDS_OF_THEIR_OWN
        and best >= max((likeness(plain, each) for each in known), default=0.0)
    ):
        return NearMiss(name, field, slip=True)
    return _item_field(name, plain) or _other_word(name, plain, value)


def near_item_field(name: str) -> str:
    """The item's field that an unknown name inside of an item is near, or nothing."""
    return _meant_of_item(f"Item {name}", letters(name).removeprefix("item"))


def _item_field(name: str, plain: str) -> NearMiss | None:
    numbered = name.rstrip("]")[-1:].isdigit()
    if not numbered and not plain.startswith("item"):
        return None
    own = plain.removeprefix("item")
    if plain.startswith("items") and own[1:] in _TOTALS and not numbered:
        return NearMiss(name, "Amount", slip=False)
    # Of itemssku, as of Items[0][Sku], the field is sku; of itemsku it is not ku.
    meant = _meant_of_item(name, own) or _meant_of_item(name, own.removeprefix("s"))
    return NearMiss(name, meant, slip=True) if meant else None


def _meant_of_item(name: str, own: str) -> str:
    """The field that `own`, an item's field without the prefix, is another word for, or a slip of."""
    if own.endswith(_NO_MONEY) and own not in _OF_ITEMS:
        return ""
    for word, field in _OF_ITEMS.items():
        if own == word or word in words(name) or likeness(own, word) or one_letter_more(own, word):
            return field
    return next((field for word, field in _OF_ITEMS.items() if word in _UNMISTAKABLE and word in own), "")


def _other_word(name: str, plain: str, value: object) -> NearMiss | None:
    said = words(name)
    if "currency" in plain or said & _CURRENCIES:
        field = "CurrencyCode"
    elif plain in _PARTNER_NAMES or plain.endswith(_PARTNERS):
        field = "MediaPartnerId"
    elif plain in _QUANTITIES:
        field = "ItemQuantity"
    elif not _NUMBER.fullmatch(str(value)) or plain.endswith(_NO_MONEY):
        return None
    elif "discount" in plain:
        field = "OrderDiscount"
    elif any(word in plain for word in _TOTALS) or said & _TOTAL_WORDS:
        field = "Amount"
    else:
        return None
    return NearMiss(name, field, slip=field == "OrderDiscount")
