"""What the form offers while a template is typed: everything of the language, findable by what others call it. Pure."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from postbacks.request.template.hints import FUNCTION_ALIASES, ITEM_ALIASES, PARAMETER_ALIASES
from postbacks.request.template.palette import example_result, palette

# Words of other networks and of operators that may mean several names; `hints` has those that mean one. A name in
# `i.` is an item's attribute, one with brackets a function.
_WORDS: Final = """
    order id, order number, transaction id, purchase, booking, invoice, receipt, basket id, cart id: Oid
    commission, earnings, reward, bounty, cpa, fee, payment: Payout DeltaPayout IntendedPayout PayoutCurrency
    revenue, sale amount, order value, turnover, price, total, basket, cart value, net, gross:
        Amount DeltaAmount IntendedAmount OriginalAmount i.amt i.cartamt
    coupon, voucher, discount code, promotion, promo, offer code: PromoCode i.promocode
    discount, rebate, reduction: i.rbt
    hash, hashed, digest, checksum, fingerprint, encrypt:
        md5() sha1() sha256() CustomerEmail macAddressMd5 macAddressSha1 iosIfaMd5 iosIfaSha1 androidIdMd5 androidIdSha1
        odin1
    click id, click ref, click reference, tracking id, gclid, subid, transaction: RefClickId SharedId
    sub id, aff sub, s1, s2, s3, custom, tag, publisher reference: SharedId SubId1 SubId2 SubId3
    advertiser, merchant, brand, store, shop, offer, campaign: CampaignId CampaignName
    affiliate, publisher, partner, media, source, pid: MediaPartnerId MediaPartnerName
    goal, event, conversion type, event type, event name:
        ActionTrackerId ActionTrackerName EventCode ActionType ActionEvent
    conversion id, action, sale id, lead id: ActionId
    delivery, idempotency, dedup, unique id, message id, request id, nonce: DeliveryId
    retry, try, attempt number: Attempt
    currency, iso, unit: Currency PayoutCurrency OriginalCurrency
    time, timestamp, when, day, unix, epoch: EventDate CreationDate LockingDate ClearedDate date()
    status, state, approved, pending, rejected, declined, cancelled, reversed, refund: Status StatusDetail ActionEvent
    reason, return, chargeback: StatusDetail
    customer, user, client, buyer, shopper: CustomerId CustomerEmail CustomerStatus CustomerCountry CustomerCity
    new customer, first time buyer, returning: CustomerStatus
    mail, email, e-mail: CustomerEmail email()
    phone, telephone, call: CallerId phone()
    country, geo, location, region, city, zip, address:
        CustomerCountry CustomerRegion CustomerCity CustomerPostCode
        RefCustomerCountry RefCustomerRegion RefCustomerCity
    ip, ip address: IpAddressPlain deviceIp
    idfa, advertising id, ios: iosIfa iosIfaUpper iosIfaLower
    gaid, aaid, android: androidId androidIdUpper androidIdLower
    device, phone model, handset: deviceId deviceModel deviceManuf deviceOs deviceOsVersion
    app, bundle, package: appPackage appName appVersion
    url, page, referrer, referer, landing: LandingPageUrl ReferringDomain
    product, products, item, items, sku, line, basket items, cart items: join() i.sku i.name i.cat i.qty i.amt
    quantity, count, units: i.qty
    cents, minor units, integer amount: minor()
    round, decimals, format number: number()
    escape, encode, encoding: urlencode() json() xml() base64()
    uppercase, capitals: upper()
    lowercase, small letters: lower()
    cut, shorten, substring, first characters: truncate()
    fallback, if empty, or else: default() if()
    condition, when, case, switch, translate: if() map()
    search and replace, substitute, remove: replace() strip()
"""

_JOINS: Final = (
    ("SKU", "sku"),
    ("Category", "cat"),
    ("Quantity", "qty"),
    ("Amount", "amt"),
    ("Amount in the cart's currency", "cartamt"),
    ("Rebate", "rbt"),
    ("Name", "name"),
)


@dataclass(frozen=True, slots=True)
class Offer:
    """`insert` is what a choice puts into the template, `code` what is shown of it, `example` what it gives; `words`,
    with commas between them, find it as well."""

    insert: str
    code: str
    description: str
    example: str
    words: str


def offers() -> list[Offer]:
    """All of them, in the order in which they are shown."""
    words = synonyms()
    data = palette()
    return [
        *(
            Offer(each["insert"], each["insert"], each["description"], each["example"], _of(words, each["name"]))
            for each in data["parameters"]
        ),
        *_joins(words),
        *(
            Offer(
                each["insert"],
                each["insert"],
                f"Of an item, inside join: {each['description']}",
                each["example"],
                _of(words, f"i.{each['name']}"),
            )
            for each in data["item_attributes"]
        ),
        *(
            Offer(
                each["insert"],
                each["signature"],
                each["description"],
                f"{each['example']} gives {each['result']}",
                _of(words, f"{each['name']}()"),
            )
            for each in data["functions"]
        ),
    ]


def synonyms() -> dict[str, tuple[str, ...]]:
    """By name, written as in the table above: the words that find it."""
    found: dict[str, dict[str, None]] = {}
    for words, names in _read(_WORDS):
        for name in names:
            found.setdefault(name, {}).update(dict.fromkeys(words))
    for aliases, write in ((PARAMETER_ALIASES, "%s"), (ITEM_ALIASES, "i.%s"), (FUNCTION_ALIASES, "%s()")):
        for alias, name in aliases.items():
            found.setdefault(write % name, {})[alias] = None
    return {name: tuple(words) for name, words in found.items()}


def _joins(words: dict[str, tuple[str, ...]]) -> Iterator[Offer]:
    """The lists of items that receivers expect: a numbered field for each item."""
    for label, name in _JOINS:
        insert = f'{{join(items, i, "{name}{{i}}={{i.{name}}}", "&", "?")}}'
        others = ("item level", *words[f"i.{name}"], *words["join()"])
        yield Offer(insert, insert, f"{label} of every item", example_result(insert), ", ".join(dict.fromkeys(others)))


def _of(words: dict[str, tuple[str, ...]], name: str) -> str:
    return ", ".join(words.get(name, ()))


def _read(table: str) -> Iterable[tuple[list[str], list[str]]]:
    """The lines of the table; one that is indented deeper continues the line before."""
    for line in re.sub(r":\s+", ": ", re.sub(r"\n {8,}", " ", table)).strip().splitlines():
        words, _, names = line.partition(":")
        yield [each.strip() for each in words.split(",")], names.split()
