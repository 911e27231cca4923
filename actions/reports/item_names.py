"""The fields of an item: their names, flat and in a list, and the reader of each. Pure.

Flat, the line's number stands behind the name. The prefix `Item` may be left out there, but not before the fields that
only receivers are told (`ItemBrand1`), and so may the number of the first line. Of the free fields the second number
tells which it is: `ItemText1_2` is the second text of the first line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from actions.reports import fields as read
from actions.reports.parameters import FREE_OF_ITEMS, TOLD_OF_ITEMS
from actions.reports.spelling import squashed

Reader = Callable[[str, object], object]


class Attribute(NamedTuple):
    """Where the value of a field goes: into the attribute of this name, or to what receivers are told."""

    name: str
    reader: Reader
    told: bool = False


# The names of templates with the words of the names of fields.
_WORDS: Final = {"promocode": "PromoCode", "subcategory": "SubCategory", "deliverytype": "DeliveryType"}

ATTRIBUTES: Final[Mapping[str, Attribute]] = {
    "Sku": Attribute("sku", read.read_text),
    "Category": Attribute("category", read.read_text),
    "Name": Attribute("name", read.read_text),
    "Quantity": Attribute("quantity", read.read_quantity),
    "SubTotal": Attribute("sub_total", read.read_amount),
    "Price": Attribute("price", read.read_number),
    "Amount": Attribute("amount", read.read_amount),
    "Discount": Attribute("discount", read.read_amount),
    "TotalDiscount": Attribute("total_discount", read.read_amount),
    "DiscountRate": Attribute("discount_rate", read.read_rate),
    "cartamt": Attribute("net", read.read_amount),
    "QuantityDelta": Attribute("quantity_delta", read.read_quantity_delta),
    "SubTotalDelta": Attribute("sub_total_delta", read.read_money),
} | {
    _WORDS.get(each.name, each.name.capitalize()): Attribute(
        each.name, read.AS_RENDERED.get(each.type, read.read_text), told=True
    )
    for each in TOLD_OF_ITEMS
}
OTHER_NAMES: Final[Mapping[str, str]] = {
    "sku": "Sku",
    "cat": "Category",
    "name": "Name",
    "qty": "Quantity",
    "rbt": "TotalDiscount",
}
"""Names of the same attributes in batch files and in templates."""

# cartamt is a name in lists and templates only.
_SQUASHED: Final = {squashed(name): name for name, each in ATTRIBUTES.items() if name != "cartamt" and not each.told}
_TOLD: Final = {squashed(name): name for name, each in ATTRIBUTES.items() if each.told and name[-1].isalpha()}
_SQUASHED_INSIDE: Final = {squashed(name): known for name, known in OTHER_NAMES.items()} | {
    squashed(name): name for name in ATTRIBUTES
}
_LINE: Final = r"[1-9]\d{0,3}"
_FLAT: Final = re.compile(
    rf"(?P<item>item)?(?P<field>{'|'.join(_SQUASHED)})(?P<line>{_LINE})?"
    rf"|item(?P<told>{'|'.join(_TOLD)})(?P<told_line>{_LINE})?"
    rf"|(?:item)?(?P<free>{'|'.join(FREE_OF_ITEMS)})(?P<free_line>{_LINE})_(?P<which>[1-9]\d?)",
    re.ASCII,
)
_CANONICAL: Final = re.compile(rf"(?:Item)?(?P<name>[A-Za-z]+?)(?P<line>{_LINE})?(?:_(?P<which>\d+))?", re.ASCII)
# Without the prefix and without a number these are words that anybody uses: of an item only where it has a Sku.
BESIDE_SKU: Final = frozenset({"Name", "Category", "Price", "Quantity", "Discount"})
_PLACES_REMEMBERED: Final = 4096  # A line has a dozen fields, and most orders some few lines.


class Place(NamedTuple):
    """Which field of which line a flat field is."""

    line: int
    attribute: Attribute
    numbered: bool


def flat_field(squashed_name: str) -> str:
    """The flat field of an item that a name without case and separators means, or nothing."""
    match = _FLAT.fullmatch(squashed_name)
    if match is None:
        return ""
    if match["field"]:
        return f"{'Item' if match['item'] else ''}{_SQUASHED[match['field']]}{match['line'] or ''}"
    if match["told"]:
        return f"Item{_TOLD[match['told']]}{match['told_line'] or ''}"
    if int(match["which"]) > FREE_OF_ITEMS[match["free"]]:
        return ""
    return f"Item{match['free'].capitalize()}{match['free_line']}_{match['which']}"


@lru_cache(_PLACES_REMEMBERED)
def place_of(flat: str) -> Place:
    """The place of a flat field, which is written as `flat_field` does."""
    match = _CANONICAL.fullmatch(flat)
    if match is None:
        raise ValueError(f"{flat} is not a flat field of an item.")
    attribute = ATTRIBUTES[f"{match['name']}{match['which'] or ''}"]
    return Place(int(match["line"] or 1), attribute, numbered=bool(match["line"]))


def attribute_of(name: str) -> Attribute | None:
    """The attribute that a name in a list, or of a place, means."""
    found = ATTRIBUTES.get(OTHER_NAMES.get(name, name))
    if found is not None:
        return found
    own = _SQUASHED_INSIDE.get(squashed(name).removeprefix("item"))
    return ATTRIBUTES.get(own) if own else None
