"""Identifiers are hashed in the spelling that receivers hash, however they were reported."""

import hashlib

import pytest

from actions.reports.parameters import PARAMETERS
from postbacks.request.template import Place, TemplateError, compile_template
from tests.support.factories import make_partner, make_term, make_tracker, record_action

ODIN1 = "ec0309eb4c5618b769c005af18040ec78fcd23b0"  # The worked example of ODIN-1's authors.
SPELLINGS = (
    *("02:00:4C:4F:4F:50", "02:00:4c:4f:4f:50", "02-00-4C-4F-4F-50", "02-00-4c-4f-4f-50"),
    *("02004C4F4F50", "02004c4f4f50", "0200.4c4f.4f50", " 02:00:4C:4F:4F:50 ", "2:0:4c:4f:4f:50", "02 00 4c 4f 4f 50"),
)
NO_MACS = (
    "",
    "unknown",
    "02:00:00:00:00:00",
    "000000000000",
    "ff:ff:ff:ff:ff:ff",
    "02:00:4C:4F:4F",
    "02:00-4C:4F-4F:50",
)
ANDROID_ID = "9774d56d682e549c"


def render(source: str, hidden: frozenset[str] = frozenset(), /, **values: str) -> str:
    return compile_template(source, Place.TEXT, hidden).render(values)


def digest(name: str, text: str) -> str:
    return hashlib.new(name, text.encode(), usedforsecurity=False).hexdigest()


@pytest.mark.parametrize("mac", SPELLINGS)
def test_every_spelling_of_a_mac_address_gives_one_hash(mac: str) -> None:
    assert render("{odin1}", macAddress=mac) == ODIN1
    assert render("{macAddressMd5} {macAddressSha1}", macAddress=mac) == (
        f"{digest('md5', '02:00:4C:4F:4F:50')} {digest('sha1', '02:00:4C:4F:4F:50')}"
    )
    assert render("{macAddressBare} {macAddressBareMd5} {macAddressBareSha1}", macAddress=mac) == (
        f"02004C4F4F50 {digest('md5', '02004C4F4F50')} {digest('sha1', '02004C4F4F50')}"
    )
    assert render("{mac(macAddress)} {lower(mac(macAddress, '-'))}", macAddress=mac) == (
        "02:00:4C:4F:4F:50 02-00-4c-4f-4f-50"
    )
    assert render("{macAddress}", macAddress=mac) == mac


@pytest.mark.parametrize("mac", NO_MACS)
def test_what_is_no_mac_address_has_no_hash(mac: str) -> None:
    names = "{odin1}{macAddressMd5}{macAddressSha1}{macAddressBare}{macAddressBareMd5}{macAddressBareSha1}"
    assert render(names + "{sha1(mac(macAddress))}", macAddress=mac) == ""
    assert render("{odin1}", macAddress=mac, androidId=ANDROID_ID) == digest("sha1", ANDROID_ID)


@pytest.mark.parametrize("system", ["Android", "android", "ANDROID 16"])
def test_on_android_odin1_is_the_hash_of_the_android_id(system: str) -> None:
    both = {"macAddress": SPELLINGS[0], "androidId": ANDROID_ID}
    assert render("{odin1}", **both, deviceOs=system) == digest("sha1", ANDROID_ID)
    assert render("{odin1}", **both, deviceOs="iOS") == render("{odin1}", **both) == ODIN1
    assert render("{odin1}", macAddress=SPELLINGS[0], deviceOs=system) == ""
    assert render("{odin1}", androidId=ANDROID_ID.upper()) == digest("sha1", ANDROID_ID)
    assert render("{odin1}", **both, deviceOs=system, odin1="reported") == "reported"


@pytest.mark.parametrize("source", ["macAddress", "androidId", "odin1"])
def test_hiding_a_source_hides_odin1(source: str) -> None:
    values = {"macAddress": SPELLINGS[0], "androidId": ANDROID_ID}
    assert render("{odin1}", frozenset({source}), **values) == ""
    assert render("{odin1}", frozenset({source}), **values, odin1="reported") == ""


def test_advertising_identifiers_are_hashed_as_their_makers_write_them() -> None:
    ifa = "6D92078A-8246-4BA4-AE5B-76104861E7DC"
    for spelling in (ifa, ifa.lower(), ifa.replace("-", ""), f" {ifa.lower()}"):
        assert render("{iosIfaMd5}", iosIfa=spelling) == digest("md5", ifa)
        assert render("{iosIfaSha1}", iosIfa=spelling) == digest("sha1", ifa)
    assert render("{androidIdMd5}", androidId=ANDROID_ID.upper()) == digest("md5", ANDROID_ID)
    zeros = "00000000-0000-0000-0000-000000000000"
    assert render("{iosIfaMd5}{androidIdSha1}", iosIfa=zeros, androidId=zeros) == ""
    assert render("{iosIfaMd5}", iosIfa="not an ifa") == digest("md5", "not an ifa")


@pytest.mark.parametrize("value", ["Ann.B@Shop.example", " ann.b@shop.EXAMPLE\r\n"])
def test_an_email_is_hashed_trimmed_and_in_lower_case(value: str) -> None:
    assert render("{sha256(email(Text1))}", Text1=value) == digest("sha256", "ann.b@shop.example")
    assert render("{sha256(lower(trim(Text1)))}", Text1=value) == digest("sha256", "ann.b@shop.example")


@pytest.mark.parametrize(
    ("number", "code", "expected"),
    [
        *((number, "1", "+15550100199") for number in ("+1 (555) 010-0199", "001 555.010.0199", "5550100199")),
        ("1 555 010 0199", "1", "+15550100199"),
        ("15550100199", "", "+15550100199"),
        ("030/1234 567", "49", "+49301234567"),
        ("+49 (0)30 1234567", "", "+49301234567"),
        ("07700\u00a0900\u2011123", "44", "+447700900123"),
        *((number, "", "") for number in ("0301234567", "", "n/a", "+1 555 CALL", "123", "+1234567890123456")),
        ("", "49", ""),
    ],
)
def test_a_phone_number_is_hashed_in_e164(number: str, code: str, expected: str) -> None:
    assert render(f"{{phone(Text1, '{code}')}}", Text1=number) == expected
    assert render(f"{{sha256(strip(phone(Text1, '{code}'), '+'))}}", Text1=number) == (
        digest("sha256", expected[1:]) if expected else ""
    )


@pytest.mark.parametrize("value", ["", "ann", "ann@", "a b@c.example", "a@b@c.example"])
def test_what_is_no_email_has_no_hash(value: str) -> None:
    assert render("{sha256(email(Text1))}", Text1=value) == ""


def test_a_calling_code_is_checked_when_the_template_is_saved() -> None:
    with pytest.raises(TemplateError, match="“US” is not a country's calling code at column 16"):
        compile_template('{phone(Text1, "US")}', Place.TEXT)


def test_replace_and_strip_work_everywhere_in_a_value() -> None:
    assert render("{lower(strip(iosIfa, '-'))}", iosIfa="6D92-078A") == "6d92078a"
    assert render("{strip(Note, '|:')}", Note="a|b:c||") == "abc"
    assert render('{replace(Note, "|", " / ")}', Note="a|b|c") == "a / b / c"
    assert render('{replace(Note, Oid, "x")}', Note="abab", Oid="b") == "axax"
    assert render('{replace(Note, Oid, "x")}', Note="ab") == "ab"
    assert render('{strip(Note, "")}', Note="ab") == "ab"


@pytest.mark.django_db
def test_a_recorded_action_renders_its_hashes() -> None:
    tracker, partner = make_tracker(in_app_events=("SALE",)), make_partner()
    make_term(tracker, partner)
    event = record_action(tracker, partner, macAddress="02-00-4c-4f-4f-50", deviceOs="iOS", EventCode="SALE")
    assert render("{odin1}", **event.parameters) == ODIN1
    assert PARAMETERS["odin1"].sources == ("macAddress", "androidId")
