"""Every parameter that a template may name: the one list behind snapshots, templates, previews and the palette.

A *snapshot* holds an action event's values as text, written as they render:
`{"CampaignId": "1000", "Amount": "460.93", "EventDate": "2026-11-20T10:42:38-07:00", "items": [{"sku": "GH23", ...}]}`.
An absent value is a missing key or an empty string. A snapshot does not hold the parameters that are computed from
others (`Parameter.sources`) unless they were reported under their own name; the template language computes them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Any, Final

from actions.reports.identifiers import android_id, bare_mac_address, ios_ifa, mac_address, md5, odin1, sha1


class ParameterType(Enum):
    """What kind of value a parameter has, and so how it is written where a format tells text from numbers."""

    TEXT = "text"
    ID = "id"  # Opaque: digits in it are no quantity, zeros in front count.
    NUMBER = "number"  # Whole or decimal, with the digits that were reported.
    MONEY = "money"  # A dot, and the decimals of its currency.
    DATE = "date"  # ISO 8601 with offset.

    @property
    def numeric(self) -> bool:
        """True if the value is a number where it stands unquoted in JSON."""
        return self in (ParameterType.NUMBER, ParameterType.MONEY)


EVENTS: Final = ("created", "modified", "reversed", "restored")
"""The events that postbacks fire for. An action keeps what was reported of it, so all carry the same parameters."""


class Carried(Enum):
    """On what condition an event has a value for a parameter."""

    ALWAYS = "every event"
    CREDITED = "every event of an action that is credited to a partner"
    REASON = "events that were reported with a reason"
    REPORTED = "every event, once it was reported"
    APPS = "every event of a mobile app, once it was reported"
    DELIVERY = "every request"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter.

    `currency` names the parameter that holds the currency of a sum of money. `documented` is true for the names that
    receivers of such postbacks already know, false for our additions. A parameter with `sources` is computed from these
    by `derive`, which takes all of an event's values, unless it was reported under its own name; hiding any of them
    hides it too. `personal` is true for what tells who or where the customer is.
    """

    name: str
    type: ParameterType
    description: str
    example: str
    carried: Carried = Carried.REPORTED
    documented: bool = True
    sources: tuple[str, ...] = ()
    derive: Callable[[Mapping[str, Any]], str] | None = None
    personal: bool = False
    currency: str = ""

    @property
    def base(self) -> str:
        """The parameter that this one is computed from first of all; empty if it is not computed."""
        return self.sources[0] if self.sources else ""

    def is_hidden(self, hidden: frozenset[str]) -> bool:
        """Whether the parameter renders empty when the parameters named in `hidden` are kept from postbacks."""
        return not hidden.isdisjoint((self.name, *self.sources))


_TEXT, _ID, _NUMBER = ParameterType.TEXT, ParameterType.ID, ParameterType.NUMBER
_MONEY, _DATE = ParameterType.MONEY, ParameterType.DATE
_ALWAYS, _CREDITED, _APPS, _DELIVERY = Carried.ALWAYS, Carried.CREDITED, Carried.APPS, Carried.DELIVERY

_MAC: Final = "0a:1b:2c:3d:4e:5f"
_IOS_IFA: Final = "6D92078A-8246-4BA4-AE5B-76104861E7DC"
_ANDROID_ID: Final = "9774d56d682e549c"
Spell = Callable[[str], str]
_BROWSER: Final = "Mozilla/5.0 (Linux; Android 16; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Mobile Safari/537.36"


def _money(name: str, description: str, example: str, currency: str, carried: Carried = Carried.ALWAYS) -> Parameter:
    return Parameter(name, ParameterType.MONEY, description, example, carried, currency=currency)


def _variants(
    base: str, label: str, example: str, *more: tuple[str, str, Spell], hashed: Spell, spelling: str
) -> tuple[Parameter, ...]:
    """The spellings of one identifier, and its hashes: of the spelling that receivers hash, which is said in words."""
    variants: tuple[tuple[str, str, Spell], ...] = (
        ("Upper", f"In upper case: {label}", str.upper),
        ("Lower", f"In lower case: {label}", str.lower),
        ("Md5", f"MD5 of {label} {spelling}", lambda value: md5(hashed(value))),
        ("Sha1", f"SHA-1 of {label} {spelling}", lambda value: sha1(hashed(value))),
        *more,
    )
    return tuple(
        Parameter(f"{base}{suffix}", _ID, text, spell(example), _APPS, False, (base,), _of(base, spell), personal=True)
        for suffix, text, spell in variants
    )


def _of(base: str, spell: Spell) -> Callable[[Mapping[str, Any]], str]:
    return lambda values: spell(values.get(base) or "")


_ORDER_LEVEL = (
    Parameter("CampaignId", _NUMBER, "The program's id", "1000", _ALWAYS),
    Parameter("ActionTrackerId", _NUMBER, "The event type's id", "2001", _ALWAYS),
    Parameter("MediaPartnerId", _NUMBER, "The id of the partner credited with the action", "3001", _CREDITED),
    Parameter("CampaignName", _TEXT, "The program's name", "Summit Supply", _ALWAYS),
    Parameter("ActionTrackerName", _TEXT, "The event type's name", "Online Sale", _ALWAYS),
    Parameter("MediaPartnerName", _TEXT, "The name of the partner credited with the action", "Deal Compass", _CREDITED),
    Parameter("ActionId", _ID, "The action's id: program, event type and sequence", "1000.2001.158133", _ALWAYS),
    Parameter("Status", _TEXT, "PENDING, APPROVED or REVERSED", "PENDING", _ALWAYS),
    Parameter(
        "StatusDetail", _TEXT, "The reason code behind the status, if there is one", "ITEM_RETURNED", Carried.REASON
    ),
    Parameter("AdId", _ID, "The id of the ad that was clicked", "512604"),
    _money("Payout", "What the partner earns, in the partner's currency", "7.91", "PayoutCurrency"),
    _money("DeltaPayout", "How much Payout changed since the event before", "7.91", "PayoutCurrency"),
    _money(
        "IntendedPayout",
        "What Payout was to be at first: before limits, changes and reversal",
        "7.91",
        "PayoutCurrency",
    ),
    Parameter("PayoutCurrency", _TEXT, "The partner's currency", "USD", _CREDITED, documented=False),
    _money("Amount", "The action's amount after discounts, in the account's currency", "107.23", "Currency"),
    _money("DeltaAmount", "How much Amount changed since the event before", "107.23", "Currency"),
    _money("IntendedAmount", "What Amount was at first: before changes and reversal", "107.23", "Currency"),
    Parameter("Currency", _TEXT, "The action's currency", "USD", _ALWAYS),
    Parameter("OriginalCurrency", _TEXT, "The currency of the shopping cart", "EUR", _ALWAYS),
    _money("OriginalAmount", "The amount in the currency of the shopping cart", "98.83", "OriginalCurrency"),
    Parameter("EventDate", _DATE, "When the conversion took place", "2026-11-20T10:42:38-07:00", _ALWAYS),
    Parameter("CreationDate", _DATE, "When the action was recorded", "2026-11-20T17:42:41+00:00", _ALWAYS),
    Parameter("LockingDate", _DATE, "When the action locks", "2026-12-20T17:42:38+00:00", _ALWAYS),
    Parameter("ClearedDate", _DATE, "When the action is to clear", "2027-01-04T17:42:38+00:00", _ALWAYS),
    Parameter("ReferringDomain", _TEXT, "The domain that the customer came from", "deals.compass.example"),
    Parameter("LandingPageUrl", _TEXT, "The page that the customer landed on", "https://harbor.example/sale?c=fall"),
    Parameter("RefCustomerArea", _TEXT, "The customer's area at the click", "501", personal=True),
    Parameter("RefCustomerCity", _TEXT, "The customer's city at the click", "New York", personal=True),
    Parameter("RefCustomerRegion", _TEXT, "The customer's region at the click", "NY", personal=True),
    Parameter("RefCustomerCountry", _TEXT, "The customer's country code at the click", "US", personal=True),
    Parameter("RefClickId", _ID, "The click's id, upper and lower case count", "Xy7-aZ.2"),
    Parameter("SharedId", _TEXT, "What the partner put into the link", "dc|banner&7"),
    Parameter("PromoCode", _TEXT, "The promo code that was used", "HARBOR 10%"),
    Parameter("CustomerStatus", _TEXT, "New or returning customer, in the brand's words", "NEW"),
    Parameter("Oid", _ID, "The order's id", "SS-50121", _ALWAYS),
    Parameter("Note", _TEXT, "The note reported with the action", "Gift wrap"),
    Parameter("CustomerPostCode", _TEXT, "The customer's post code as reported", "01310-100", personal=True),
    Parameter("CustomerCity", _TEXT, "The customer's city as reported", "São Paulo", personal=True),
    Parameter("CustomerCountry", _TEXT, "The customer's country code as reported", "BR", personal=True),
    Parameter("CustomerRegion", _TEXT, "The customer's region as reported", "SP", personal=True),
    Parameter("Text1", _TEXT, "Free text reported with the action", "gift=yes"),
    Parameter("Text2", _TEXT, "Free text reported with the action", "blue"),
    Parameter("Text3", _TEXT, "Free text reported with the action", 'Deck "Pro" 42'),
    Parameter("Date1", _DATE, "A date reported with the action", "2026-12-01T00:00:00+00:00"),
    Parameter("Date2", _DATE, "A date reported with the action", "2026-12-08T00:00:00+00:00"),
    Parameter("Date3", _DATE, "A date reported with the action", "2027-03-01T00:00:00+00:00"),
    *(
        _money(name, "An amount of money reported with the action", example, "OriginalCurrency", Carried.REPORTED)
        for name, example in (("Money1", "4.90"), ("Money2", "12.50"), ("Money3", "0.99"))
    ),
    Parameter("Numeric1", _NUMBER, "A number reported with the action", "18"),
    Parameter("Numeric2", _NUMBER, "A number reported with the action", "2.5"),
    Parameter("Numeric3", _NUMBER, "A number reported with the action", "365"),
    Parameter("appPackage", _TEXT, "The mobile app's package or bundle", "example.harbor.app", _APPS),
    Parameter("appName", _TEXT, "The mobile app's name", "Summit", _APPS),
    Parameter("appVersion", _TEXT, "The mobile app's version", "4.2.0", _APPS),
    Parameter("deviceOs", _TEXT, "The device's operating system", "Android", _APPS),
    Parameter("deviceOsVersion", _TEXT, "The version of the device's operating system", "16", _APPS),
    Parameter("deviceManuf", _TEXT, "Who made the device", "Google", _APPS),
    Parameter("deviceModel", _TEXT, "The device's model", "Pixel 9", _APPS),
    Parameter("macAddress", _ID, "The device's MAC address as reported", _MAC, _APPS, personal=True),
    *_variants(
        "macAddress",
        "the MAC address",
        _MAC,
        ("Bare", "In upper case, without separators: the MAC address", bare_mac_address),
        ("BareMd5", "MD5 of the MAC address in upper case, without separators", lambda mac: md5(bare_mac_address(mac))),
        (
            "BareSha1",
            "SHA-1 of the MAC address in upper case, without separators",
            lambda mac: sha1(bare_mac_address(mac)),
        ),
        hashed=mac_address,
        spelling="in upper case, with colons",
    ),
    Parameter("iosIfa", _ID, "The iOS advertising identifier as reported", _IOS_IFA, _APPS, personal=True),
    *_variants(
        "iosIfa",
        "the iOS advertising identifier",
        _IOS_IFA,
        hashed=ios_ifa,
        spelling="in upper case, with hyphens",
    ),
    Parameter("iosAdTracking", _TEXT, "Whether iOS ad tracking is allowed, as reported", "1", _APPS),
    Parameter("androidId", _ID, "The Android id as reported", _ANDROID_ID, _APPS, personal=True),
    *_variants("androidId", "the Android id", _ANDROID_ID, hashed=android_id, spelling="in lower case"),
    Parameter(
        "odin1",
        _ID,
        "SHA-1 of the MAC address's six bytes; on Android, or without a MAC address, of the Android id",
        odin1({"androidId": _ANDROID_ID}),
        _APPS,
        True,
        ("macAddress", "androidId"),
        odin1,
        personal=True,
    ),
    Parameter(
        "openUdid", _ID, "The device's OpenUDID", "2f1bfa5e8a9c4b0d9f9e0c7a6d5b4a3928171605", _APPS, personal=True
    ),
    Parameter("deviceId", _ID, "The device's id as reported", "f07a13984f6d116a", _APPS, personal=True),
    Parameter("deviceIp", _ID, "The device's IP address", "203.0.113.24", _APPS, personal=True),
    Parameter("UserAgent", _TEXT, "The browser's user agent", _BROWSER, personal=True),
    Parameter("IpAddressPlain", _ID, "The customer's IP address", "203.0.113.24", personal=True),
    Parameter("ActionType", _TEXT, "The kind of action", "SALE"),
    Parameter("ReferringType", _TEXT, "How the partner was found to have referred the customer", "CLICK_COOKIE"),
    Parameter("SubId1", _TEXT, "What the partner put into the link's first own field", "spring"),
    Parameter("SubId2", _TEXT, "What the partner put into the link's second own field", "mail-7"),
    Parameter("SubId3", _TEXT, "What the partner put into the link's third own field", "top"),
    Parameter("EventCode", _TEXT, "The in-app event's code", "SALE", _APPS),
)

TEXTS, NUMERICS, DATES, MONEYS = 50, 10, 10, 10
"""How many free texts, numbers, dates and amounts an order may be reported with; receivers know the first three."""


def _free(name: str, kind: ParameterType, description: str, example: str) -> Parameter:
    """One of the free fields that are not among the first three.

    They are personal: before they were parameters, actions kept what was reported under these names unread.
    """
    currency = "OriginalCurrency" if kind is _MONEY else ""
    return Parameter(name, kind, description, example, documented=False, personal=True, currency=currency)


_FREE = (
    *(_free(f"Text{n}", _TEXT, "Free text reported with the action", f"text {n}") for n in range(4, TEXTS + 1)),
    *(
        _free(f"Date{n}", _DATE, "A date reported with the action", f"2027-{n:02}-01T00:00:00+00:00")
        for n in range(4, DATES + 1)
    ),
    *(
        _free(f"Money{n}", _MONEY, "An amount of money reported with the action", f"{n}.50")
        for n in range(4, MONEYS + 1)
    ),
    *(_free(f"Numeric{n}", _NUMBER, "A number reported with the action", str(n)) for n in range(4, NUMERICS + 1)),
)

_CUSTOMER = (
    Parameter("CustomerId", _ID, "The customer's id in the shop", "C-90210", documented=False, personal=True),
    Parameter(
        "CustomerEmail",
        _ID,
        "The hash of the customer's e-mail address as reported; a plain one is refused",
        "973dfe463ec85785f5f95af5ba3906eedb2d931c24e69824a89ea65dba4e813b",
        documented=False,
        personal=True,
    ),
    Parameter(
        "CallerId",
        _ID,
        "The number that the customer called from",
        "+15550100199",
        documented=False,
        personal=True,
    ),
)

_OURS = (
    Parameter(
        "DeliveryId",
        _ID,
        "The delivery's id, the same in every attempt and after a restore: recognise repeats by it",
        "5e3f9c0a-71d2-4b8e-93ac-0f6d2b7a4c11",
        _DELIVERY,
        False,
    ),
    Parameter("Attempt", _NUMBER, "The attempt's number, 1 for the first", "1", _DELIVERY, False),
    Parameter(
        "ActionEvent", _TEXT, "What happened: created, modified, reversed or restored", "created", _DELIVERY, False
    ),
)


PARAMETERS: Final[Mapping[str, Parameter]] = MappingProxyType(
    {each.name: each for each in _ORDER_LEVEL + _CUSTOMER + _FREE + _OURS}
)
"""All parameters by name, in the order in which a palette shows them."""


def is_personal(name: str) -> bool:
    """Whether what was reported as `name` tells who or where the customer is.

    So is every field that is no parameter: nobody has said what is in it, and often it is a name or an address.
    """
    return name != "items" and (name not in PARAMETERS or PARAMETERS[name].personal)


@dataclass(frozen=True, slots=True)
class ItemAttribute:
    """One attribute of the items of the order. `currency` is as of a parameter."""

    name: str
    type: ParameterType
    description: str
    example: str
    currency: str = ""


_ITEM = (
    ItemAttribute("sku", _TEXT, "The item's SKU", "GH23"),
    ItemAttribute("cat", _TEXT, "Its category", "Watches"),
    ItemAttribute("qty", _NUMBER, "How many were bought", "3"),
    ItemAttribute("amt", _MONEY, "Its subtotal after discounts, in the account's currency", "2.92", "Currency"),
    ItemAttribute(
        "cartamt",
        _MONEY,
        "Its subtotal after discounts, in the currency of the shopping cart",
        "50.01",
        "OriginalCurrency",
    ),
    ItemAttribute("rbt", _MONEY, "Its own discount, in the currency of the shopping cart", "1.00", "OriginalCurrency"),
    ItemAttribute("name", _TEXT, "Its name", "Diver watch"),
)

FREE_OF_ITEMS: Final[Mapping[str, int]] = {"text": TEXTS, "numeric": NUMERICS, "money": MONEYS, "date": DATES}
"""How many free fields of each kind a line may be reported with, by the name that stands before their number."""

TOLD_OF_ITEMS: Final = (
    ItemAttribute("brand", _TEXT, "Its brand", "Tidewater"),
    ItemAttribute("mpn", _TEXT, "Its manufacturer's part number", "TW-1907-B"),
    ItemAttribute("subcategory", _TEXT, "Its category within the category", "Divers"),
    ItemAttribute("promocode", _TEXT, "The promo code that was used for it", "WATCH5"),
    ItemAttribute("deliverytype", _TEXT, "How it is delivered", "Parcel"),
    *(ItemAttribute(f"text{n}", _TEXT, "Free text reported with it", f"line text {n}") for n in range(1, TEXTS + 1)),
    *(ItemAttribute(f"numeric{n}", _NUMBER, "A number reported with it", f"{n}.5") for n in range(1, NUMERICS + 1)),
    *(
        ItemAttribute(f"money{n}", _MONEY, "An amount of money reported with it", f"{n}.25", "OriginalCurrency")
        for n in range(1, MONEYS + 1)
    ),
    *(
        ItemAttribute(f"date{n}", _DATE, "A date reported with it", f"2027-{n:02}-15T00:00:00+00:00")
        for n in range(1, DATES + 1)
    ),
)
"""What is told of a line as it was reported, and decides nothing."""

ITEM_ATTRIBUTES: Final[Mapping[str, ItemAttribute]] = MappingProxyType(
    {each.name: each for each in _ITEM + TOLD_OF_ITEMS}
)
"""The attributes of one item of the order, by name. The first seven are those that receivers know."""

_MORE_SAMPLE_ITEMS = (
    ("UT66", "Shoes", "4", "99.32", "23.89", "5.00", "Trail shoes"),
    ("RW87", "Hats", "11", "4.99", "34.00", "1.50", 'Hat "Ohio" 7 1/4'),
)


def sample_values() -> dict[str, Any]:
    """Return a complete snapshot made of the examples, with three items; the caller may change it."""
    values: dict[str, Any] = {each.name: each.example for each in PARAMETERS.values() if not each.base}
    told = {each.name: each.example for each in TOLD_OF_ITEMS}
    samples = (tuple(each.example for each in _ITEM), *_MORE_SAMPLE_ITEMS)
    names = [each.name for each in _ITEM]
    values["items"] = [dict(zip(names, item, strict=True)) | told for item in samples]
    return values


def least_values() -> dict[str, Any]:
    """Return a snapshot with no more than every event has, made of the examples; the caller may change it."""
    certain = (Carried.ALWAYS, Carried.DELIVERY)
    return {each.name: each.example for each in PARAMETERS.values() if each.carried in certain}
