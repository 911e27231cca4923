"""What somebody who wrote a wrong name may have meant."""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Final

from postbacks.request.template import limits

# Of difflib's ratio: so that Oyd still means Oid, but PENDING does not mean openUdid.
_LIKENESS: Final = 0.72
_LIKENESS_OF_SHORT_NAMES: Final = 0.65
_SHORT: Final = 4


def _by_alias(names: str) -> Mapping[str, str]:
    """`Oid: orderid transactionid` a line, as alias to name."""
    lines = [line.split(":") for line in names.strip().splitlines()]
    return MappingProxyType({alias: name.strip() for name, aliases in lines for alias in aliases.split()})


PARAMETER_ALIASES: Final = _by_alias("""
    Oid: orderid ordernumber transactionid txid
    RefClickId: clickid irclickid click clkid
    CampaignId: programid offerid advertiserid
    CampaignName: programname offername
    ActionTrackerId: eventtypeid trackerid goalid
    ActionTrackerName: eventtype eventtypename trackername
    MediaPartnerId: partnerid affiliateid publisherid
    MediaPartnerName: partnername affiliatename publishername
    Payout: commission earnings
    Amount: revenue saleamount saleamt total price value
    Currency: currencycode
    EventDate: date datetime timestamp conversiondate
    StatusDetail: reason reasoncode
    PromoCode: coupon couponcode voucher vouchercode
    SubId1: subid sub affsub
    EventCode: eventname goal
    ActionEvent: event
    IpAddressPlain: ip ipaddress
    UserAgent: browser ua
    CustomerPostCode: zip zipcode postcode postalcode
    CustomerCity: city
    CustomerCountry: country countrycode
    CustomerRegion: region state
    appPackage: bundle bundleid package
    iosIfa: idfa appleifa
    deviceOs: os platform
    deviceModel: model
""")
"""What other systems, and the fields of reports, call the same."""

FUNCTION_ALIASES: Final = _by_alias("""
    upper: uppercase toupper touppercase ucase
    lower: lowercase tolower tolowercase lcase
    truncate: substr substring left cut slice
    sha256: hash
    urlencode: encode escape urlescape encodeuricomponent
    date: dateformat formatdate strftime format
    number: round decimal decimals numberformat
    minor: cents minorunits tominor incents
    default: coalesce fallback ifempty firstnotempty
    map: switch case lookup
    replace: substitute sub gsub
    strip: remove delete
    json: jsonescape tojson
    xml: xmlescape htmlescape
    phone: e164
    bool: boolean
    email: mail
    if: iif ternary when
    join: loop each foreach for items
    text: literal verbatim
    raw: safe noescape unescape
""")

ITEM_ALIASES: Final = _by_alias("""
    sku: id itemid productid
    cat: category
    qty: quantity count
    amt: amount subtotal price total
    cartamt: cartamount
    rbt: rebate discount
    name: title product productname
    mpn: partnumber manufacturerpartnumber
    subcategory: subcat
    promocode: coupon promo voucher
    deliverytype: delivery shipping
""")


def did_you_mean(name: str, valid: Iterable[str], write: str, aliases: Mapping[str, str] | None = None) -> str:
    """`Did you mean {CampaignId}?` for the valid name most like this one, or nothing. `write` has a `%s` for it."""
    near = nearest(name, valid, aliases)
    return f"Did you mean {write % near}?" if near else ""


def nearest(name: str, valid: Iterable[str], aliases: Mapping[str, str] | None = None) -> str:
    """The valid name most like this one, whatever its case, underscores, hyphens and spaces; empty if none is."""
    if len(name) > limits.NAME_FOR_A_HINT:
        return ""
    wanted = _plain(name)
    names = {_plain(each): each for each in valid}
    if wanted in names:
        return names[wanted]
    if aliases and wanted in aliases:
        return aliases[wanted]
    likeness = _LIKENESS if len(wanted) > _SHORT else _LIKENESS_OF_SHORT_NAMES
    close = get_close_matches(wanted, names, n=1, cutoff=likeness)
    return names[close[0]] if close else ""


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).lower()
