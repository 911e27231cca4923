"""What templates render to, exactly: parameters, item rows, functions, each kind of place."""

import hashlib
import subprocess
import sys
import zoneinfo
from typing import Any

import pytest

from actions.reports.parameters import ITEM_ATTRIBUTES, PARAMETERS, least_values, sample_values
from postbacks.request.template import Place, UnusableValueError, compile_template, dates
from postbacks.request.template.functions import FUNCTIONS


def render(source: str, place: Place = Place.TEXT, hidden: frozenset[str] = frozenset(), **values: Any) -> str:
    return compile_template(source, place, hidden).render(sample_values() | values)


ITEM_ROWS = {
    '{join(items, i, "sku{i}={i.sku}", "&", "?")}': "?sku1=GH23&sku2=UT66&sku3=RW87",
    '{join(items, i, "cat{i}={i.cat}", "&", "?")}': "?cat1=Watches&cat2=Shoes&cat3=Hats",
    '{join(items, i, "qty{i}={i.qty}", "&", "?")}': "?qty1=3&qty2=4&qty3=11",
    '{join(items, i, "amt{i}={i.amt}", "&", "?")}': "?amt1=2.92&amt2=99.32&amt3=4.99",
    '{join(items, i, "cartamt{i}={i.cartamt}", "&", "?")}': "?cartamt1=50.01&cartamt2=23.89&cartamt3=34.00",
    '{join(items, i, "rbt{i}={i.rbt}", "&", "?")}': "?rbt1=1.00&rbt2=5.00&rbt3=1.50",
    '{join(items, i, "name{i}={i.name}", "&", "?")}': "?name1=1.00&name2=5.00&name3=1.50",
}


# The documented results give the rebates as names, so these items do too.
DOCUMENTED_ITEMS = [
    dict(zip(ITEM_ATTRIBUTES, item, strict=False))  # The first seven.
    for item in (
        ("GH23", "Watches", "3", "2.92", "50.01", "1.00", "1.00"),
        ("UT66", "Shoes", "4", "99.32", "23.89", "5.00", "5.00"),
        ("RW87", "Hats", "11", "4.99", "34.00", "1.50", "1.50"),
    )
]


@pytest.mark.parametrize(("expression", "expected"), ITEM_ROWS.items())
def test_the_seven_item_expressions_print_their_documented_results(expression: str, expected: str) -> None:
    assert render(expression, items=DOCUMENTED_ITEMS) == expected
    for before in ("https://shop.example/in", "https://shop.example"):
        assert render(before + expression, Place.URL, items=DOCUMENTED_ITEMS) == before + expected


def test_every_parameter_renders_its_example() -> None:
    values = sample_values()
    for name, parameter in PARAMETERS.items():
        assert compile_template(f"<{{{name}}}>", Place.TEXT).render(values) == f"<{parameter.example}>"
    assert len(PARAMETERS) == 164
    assert len({parameter.example for parameter in PARAMETERS.values() if parameter.example}) > 60
    assert all(parameter.example and parameter.description for parameter in PARAMETERS.values())


def test_an_absent_value_is_empty_text() -> None:
    template = compile_template("<{Payout}|{odin1}|{macAddressMd5}>", Place.TEXT)
    assert template.render({}) == "<||>"
    assert template.render({"Payout": "", "macAddress": ""}) == "<||>"


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        ("dc|banner&7", "dc%7Cbanner%267"),
        ("São Paulo", "S%C3%A3o%20Paulo"),
        ('Deck "Pro" 42', "Deck%20%22Pro%22%2042"),
        ("A 1/2", "A%201%2F2"),
        ("a-b._~Z9", "a-b._~Z9"),
        ("+", "%2B"),
        ("😀", "%F0%9F%98%80"),
        ("\ud800", "%EF%BF%BD"),
        ("{Payout}", "%7BPayout%7D"),
    ],
)
def test_a_value_in_a_url_or_form_is_percent_encoded(value: str, encoded: str) -> None:
    assert render("https://x.example/o/{Text1}?a={Text1}", Place.URL, Text1=value) == (
        f"https://x.example/o/{encoded}?a={encoded}"
    )
    assert render("a={Text1}&b=1", Place.FORM, Text1=value) == f"a={encoded}&b=1"
    assert render("{Text1}", Place.FORM_VALUE, Text1=value) == encoded


def test_in_a_join_only_the_values_are_encoded() -> None:
    source = 'https://x.example/p{join(items, i, "s[{i}]={i.sku}&n={i.name}", "&", "?")}'
    items = [{"sku": "A 1/2", "name": 'Deck "Pro" 42'}, {"sku": "B&C"}]
    assert render(source, Place.URL, items=items) == (
        "https://x.example/p?s[1]=A%201%2F2&n=Deck%20%22Pro%22%2042&s[2]=B%26C&n="
    )


def test_in_a_function_a_join_is_one_plain_value() -> None:
    source = "https://x.example/?l={upper(join(items, i, 'n={i.sku}', '&', '?'))}"
    assert render(source, Place.URL) == "https://x.example/?l=%3FN%3DGH23%26N%3DUT66%26N%3DRW87"
    assert render("https://x.example/?{raw(join(items, i, 'n={i.sku}', '&'))}", Place.URL) == (
        "https://x.example/?n=GH23&n=UT66&n=RW87"
    )


@pytest.mark.parametrize("items", [[], None])
def test_a_join_without_items_is_nothing_at_all(items: object) -> None:
    assert render('<{join(items, i, "{i.sku}", "&", "?")}>', items=items) == "<>"


def test_separator_and_prefix_of_a_join_may_be_left_out() -> None:
    assert render("{join(items, row, '{row}{row.sku};')}") == "1GH23;2UT66;3RW87;"
    assert render("{join(items, i, '{i.sku}', ',')}") == "GH23,UT66,RW87"
    assert render("{join(items, i, '{CampaignId}-{lower(i.sku)}', ',')}") == "1000-gh23,1000-ut66,1000-rw87"


def test_braces_that_open_nothing_are_text() -> None:
    assert render('{"a":{"b":{Payout}}}', Place.JSON) == '{"a":{"b":7.91}}'
    assert (
        render("{} { Payout } {1} {-} {Payout , {a:1} }{{Payout}}") == "{} { Payout } {1} {-} {Payout , {a:1} }{7.91}"
    )
    assert render('{text("{Payout}")} {text("{lower(")}') == "{Payout} {lower("
    assert render('https://x.example/?a={text("{Payout}")}', Place.URL) == "https://x.example/?a=%7BPayout%7D"


def test_json_knows_strings_from_bare_places() -> None:
    source = '{"s":"{Text1}","t":{Text1},"n":{Numeric1},"m":{Amount},"id":{ActionId},"c":{CampaignId},"e":"{Note}"}'
    values: dict[str, Any] = {"Text1": 'a"b\\\n', "Numeric1": "", "Note": ""}
    assert render(source, Place.JSON, **values) == (
        '{"s":"a\\"b\\\\\\n","t":"a\\"b\\\\\\n","n":null,"m":107.23,"id":"1000.2001.158133","c":1000,"e":""}'
    )


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("{Text1}", "null"),
        ("{Numeric1}", '"1,5"'),
        ("{Numeric2}", '"007"'),
        ("{Numeric3}", "-3.50"),
        ("{number(Text2)}", "12"),
        ('{number(Numeric3, 1, ",")}', '"-3,5"'),
        ("{default(Money1, 0)}", "0"),
        ('{default(Money1, "none")}', '"none"'),
        ("{default(Text1, 0)}", '"0"'),
        ("{if(Text2 empty, 1, 2)}", "2"),
        ("{if(Text2 empty, 1)}", "null"),
        ('{if(Text2 empty, 1, "2")}', '"2"'),
        ("{lower(Money2)}", '"12.50"'),
        ("{upper(join(items, i, '{i.qty}'))}", '"3411"'),
    ],
)
def test_a_bare_json_value_is_a_number_null_or_string(expression: str, expected: str) -> None:
    values: dict[str, Any] = {
        "Text1": "",
        "Text2": "12",
        "Numeric1": "1,5",
        "Numeric2": "007",
        "Numeric3": "-3.50",
        "Money1": "",
    }
    assert render(f"[{expression}]", Place.JSON, **values) == f"[{expected}]"


def test_a_join_writes_json_arrays_and_objects() -> None:
    assert render("""[{join(items, i, '"{i.sku}"', ',')}]""", Place.JSON) == '["GH23","UT66","RW87"]'
    source = """[{join(items, i, '{"n":{i},"sku":{i.sku},"qty":{i.qty},"amt":{i.amt},"name":"{i.name}"}', ',')}]"""
    assert render(source, Place.JSON, items=[{"sku": 'A"1', "qty": "3"}, {"amt": "2.00", "name": "\t"}]) == (
        '[{"n":1,"sku":"A\\"1","qty":3,"amt":null,"name":""},{"n":2,"sku":null,"qty":null,"amt":2.00,"name":"\\t"}]'
    )


@pytest.mark.parametrize("quote", ['"', "'", '\\"'])
def test_inside_a_json_string_an_expression_takes_any_quotes(quote: str) -> None:
    source = f'{{"u":"?{{join(items, i, {quote}s{{i}}={{i.sku}}{quote}, {quote}&{quote})}}","p":{{Payout}}}}'
    assert render(source, Place.JSON) == '{"u":"?s1=GH23&s2=UT66&s3=RW87","p":7.91}'


def test_a_backslash_escapes_the_strings_own_quote_and_itself() -> None:
    assert render(r"""{default("", "say \"it's\" \\ \n")}""") == 'say "it\'s" \\ \\n'
    assert render(r"""{default('', 'say "it\'s" \"')}""") == r'say "it' + r"""'s" \""""
    assert render(r"{default(\"\", \"say \\\"hi\\\" \\\\ it\")}") == 'say "hi" \\ it'
    assert render(r'"{join(items, i, "{i.sku}", "\n")}"', Place.JSON) == r'"GH23\nUT66\nRW87"'


def test_xml_text_attributes_and_cdata_are_each_escaped_their_way() -> None:
    value = "<a>&\"'\t\n\r]]>\0é"
    assert render("<x>{Text1}</x>", Place.XML, Text1=value) == (
        "<x>&lt;a&gt;&amp;&quot;&#39;\t\n&#13;]]&gt;\ufffdé</x>"
    )
    attribute = "&lt;a&gt;&amp;&quot;&#39;&#9;&#10;&#13;]]&gt;\ufffdé"
    assert render("<x a=\"{Text1}\" b='{Text1}'/>", Place.XML, Text1=value) == f"<x a=\"{attribute}\" b='{attribute}'/>"
    assert render("<x><![CDATA[{Text1}]]></x>", Place.XML, Text1="a<b]]>") == (
        "<x><![CDATA[a<b]]>&#93;<![CDATA[]]>&#93;<![CDATA[]]>&#62;<![CDATA[]]></x>"
    )
    assert render("{join(items, i, '<item{i} n=\"{i}\">{i.sku}</item{i}>')}", Place.XML, items=[{"sku": "a&b"}]) == (
        '<item1 n="1">a&amp;b</item1>'
    )


def test_a_header_takes_any_text_but_control_characters() -> None:
    assert render("Bearer {Text1}", Place.HEADER, Text1="São, ü ≤") == "Bearer São, ü ≤"
    for value in ("a\r\nX-Evil: 1", "a\n \nX-Evil:1", "\x00", "\x7f", "\x85"):
        template = compile_template("Bearer {Text1}", Place.HEADER)
        with pytest.raises(UnusableValueError, match=r"control character U\+00"):
            template.render({"Text1": value})


@pytest.mark.parametrize(
    ("value", "folded"),
    [
        ("a\tb", "a b"),
        ("line one\nline two", "line one line two"),
        ("one \r\n\t two\r\n", "one two "),
        ("see\nhttps://x.example/a: b", "see https://x.example/a: b"),
        ("a\x0bb\x0cc", "a b c"),
    ],
)
def test_white_space_in_a_header_becomes_a_blank(value: str, folded: str) -> None:
    assert render("{Text1}", Place.HEADER, Text1=value) == folded


@pytest.mark.parametrize(
    ("value", "written"),
    [
        *((value, "true") for value in ("1", "true", "TRUE", " yes ", "Y", "on", "2.5", "-1", "NEW")),
        *((value, "false") for value in ("", "0", "0.00", "false", "False", "no", "N", "f", "off", " ")),
    ],
)
def test_a_boolean_is_bare_in_json_and_text_elsewhere(value: str, written: str) -> None:
    assert render('{"a":{bool(Text1)},"b":"{bool(Text1)}"}', Place.JSON, Text1=value) == (
        f'{{"a":{written},"b":"{written}"}}'
    )
    assert render("{if(Oid empty, bool(Oid), bool(Text1))}", Place.JSON, Text1=value) == written
    assert render('{if(Oid empty, "x", bool(Text1))}', Place.JSON, Text1=value) == f'"{written}"'
    assert render("https://x.example/?a={bool(Text1)}", Place.URL, Text1=value).endswith(f"={written}")


def test_raw_leaves_a_value_as_it_is() -> None:
    assert render("https://x.example/?{raw(Text1)}", Place.URL, Text1="a=1&b=[/]") == "https://x.example/?a=1&b=[/]"
    assert render('{"extra":{raw(Text1)}}', Place.JSON, Text1='{"a":1}') == '{"extra":{"a":1}}'
    assert render("<x {raw(Text1)}/>", Place.XML, Text1='a="1"') == '<x a="1"/>'
    assert render("https://x.example/?{join(items, i, 's={raw(i.sku)}')}", Place.URL, items=[{"sku": "a/b"}]) == (
        "https://x.example/?s=a/b"
    )


def test_raw_in_a_url_still_makes_a_url() -> None:
    source = "https://x.example/?{raw(Text1)}&z=1"
    assert render(source, Place.URL, Text1="a=ü b\r\nX: 1#c&d=100%&e=%41") == (
        "https://x.example/?a=%C3%BC%20b%0D%0AX:%201%23c&d=100%25&e=%41&z=1"
    )


def test_literal_text_of_a_url_is_made_fit_for_one() -> None:
    assert render("HTTPS://Bücher.Example:8443/é b?x=100%&y=%41{Text1}|", Place.URL, Text1="1") == (
        "https://xn--bcher-kva.example:8443/%C3%A9%20b?x=100%25&y=%411%7C"
    )
    assert render("http://www.domain.com?campaignId={CampaignId}", Place.URL) == "http://www.domain.com?campaignId=1000"
    assert render("http://[::1]:80/%{Text1}", Place.URL, Text1="41") == "http://[::1]:80/%2541"


def test_literal_text_of_a_form_body_may_be_laid_out_in_lines() -> None:
    assert render("a={Text1}&\n  b=x y&\r\nc=1", Place.FORM, Text1="\n") == "a=%0A&b=x%20y&c=1"


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (Place.JSON_VALUE, 'say \\"hi\\" to Deck \\"Pro\\" 42 & "'),
        (Place.XML_VALUE, 'say &quot;hi&quot; to Deck &quot;Pro&quot; 42 &amp; "'),
        (Place.FORM_VALUE, 'say%20%22hi%22%20to%20Deck%20%22Pro%22%2042%20%26%20"'),
    ],
)
def test_in_a_pairs_value_literal_text_is_data_too(place: Place, expected: str) -> None:
    assert render("""say "hi" to {Text3} & {raw('"')}""", place) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("{upper(Text1)}", "GIFT=YES"),
        ("{lower(Status)}", "pending"),
        ("{trim(Note)}", "a  b"),
        ("{truncate(CustomerCity, 3)}", "São"),
        ("{truncate(CustomerCity, 0)}", ""),
        ("{md5(Oid)}", "ea50d70c73691568b7d361309dedf2aa"),
        ("{sha1(Oid)}", "c5a70e7a4fbf52541f38c6a592f9e2bc549bd2cc"),
        ("{sha256(lower(CustomerCity))}", hashlib.sha256("são paulo".encode()).hexdigest()),
        ("{sha256(SubId1)}", ""),
        ("{base64(CustomerCity)}", "U8OjbyBQYXVsbw=="),
        ("{urlencode(SharedId)}", "dc%7Cbanner%267"),
        ('{default(SharedId, "none")}', "dc|banner&7"),
        ('{default(SubId1, "none")}', "none"),
        ("{default(SubId1, default(SubId2, Oid))}", "SS-50121"),
        ('{map(Status, "PENDING", "1", "APPROVED", "2", "0")}', "1"),
        ('{map(Currency, "PENDING", "1", "APPROVED", "2", "0")}', "0"),
        ('{map(Currency, "EUR", "1")}', ""),
        ("{map(Status, \"PENDING\", upper(Oid), 'x')}", "SS-50121"),
        ("{number(Amount)}", "107.23"),
        ("{number(Amount, 0)}", "107"),
        ('{number("2.5", 0)}|{number("3.5", 0)}|{number("0.125", 2)}', "2|4|0.12"),
        ('{number("-0.001", 2)}', "0.00"),
        ('{number("1234567.5", 2, ",", ".")}', "1.234.567,50"),
        ('{number("1234567", 0, ".", " ")}', "1 234 567"),
        ("{number(Text1)}|{number('1e5')}|{number('')}", "||"),
        ('{if(Status == "PENDING", "1", "0")}', "1"),
        ('{if(Status != "PENDING", "1", "0")}', "0"),
        ('{if(Status == "pending", "1")}', ""),
        ("{if(Amount == 107.230, 'y', 'n')}", "y"),
        ("{if(Amount > 20, 'y', 'n')}|{if(Amount < 20, 'y', 'n')}", "y|n"),
        ("{if(Amount > Payout, 'y', 'n')}", "y"),
        ("{if('9' > '10', 'text', 'number')}", "text"),
        ("{if(Money1 > 0, 'y', 'n')}{if(Money1 < 1, 'y', 'n')}", "nn"),
        ("{if(PromoCode contains '10%', 'y', 'n')}", "y"),
        ("{if(SubId1 empty, 'y', 'n')}|{if(Oid empty, 'y', 'n')}", "y|n"),
        ("{if(lower(Status) == 'pending', if(Oid empty, 1, 2), 3)}", "2"),
        ("{upper(text('{a}'))}", "{A}"),
    ],
)
def test_functions_compose_into_exact_results(expression: str, expected: str) -> None:
    assert render(expression, Note=" a  b\n", SubId1="", SubId2="", Money1="") == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('{date(EventDate, "%Y-%m-%d", "America/New_York")}', "2026-11-20"),
        ('{date(EventDate, "%F %T%:z")}', "2026-11-20 10:42:38-07:00"),
        ('{date(EventDate, "%Y%m%dT%H%M%S%z", "UTC")}', "20261120T174238+0000"),
        ('{date(EventDate, "%d/%b/%y %I:%M %p %Z", "Asia/Tokyo")}', "21/Nov/26 02:42 AM JST"),
        ('{date(EventDate, "%A, %a %B %j %f 100%%")}', "Friday, Fri November 324 000000 100%"),
        ('{date(EventDate, "%s")}|{date(EventDate, "%Q")}', "1795196558|1795196558000"),
        ('{date(Date1, "%s")}', "1795132800"),
        ('{date(Date2, "%Y")}', ""),
        ('{date(Date3, "%Y")}', ""),
    ],
)
def test_dates_are_written_in_any_format_and_zone(expression: str, expected: str) -> None:
    assert render(expression, Date1="2026-11-20", Date2="20 November", Date3="") == expected


def test_id_variants_are_computed_unless_reported() -> None:
    for base in ("macAddress", "iosIfa", "androidId"):
        value = sample_values()[base]
        assert render(f"{{{base}Upper}} {{{base}Lower}}") == f"{value.upper()} {value.lower()}"
        hashed = (value.upper() if base == "macAddress" else value).encode()
        assert render(f"{{{base}Md5}}") == hashlib.new("md5", hashed, usedforsecurity=False).hexdigest()
        assert render(f"{{{base}Sha1}}") == hashlib.new("sha1", hashed, usedforsecurity=False).hexdigest()
        reported: dict[str, Any] = {f"{base}Md5": "reported"}
        assert render(f"{{{base}Md5}}", **reported) == "reported"
    assert render("{odin1}") == hashlib.new("sha1", b"9774d56d682e549c", usedforsecurity=False).hexdigest()
    assert render("{odin1}", odin1="reported") == "reported"


def test_a_hidden_parameter_is_empty_everywhere_and_so_is_what_is_computed_from_it() -> None:
    hidden = frozenset({"macAddress", "Payout", "SharedId"})
    assert render("<{macAddress}{macAddressUpper}{macAddressSha1}{odin1}>", hidden=hidden, odin1="reported") == "<>"
    assert render('{"p":{Payout},"s":"{upper(SharedId)}"}', Place.JSON, hidden=hidden) == '{"p":null,"s":""}'
    assert render('{default(SharedId, "x")}{if(Payout empty, "y", "n")}', hidden=hidden) == "xy"
    assert render("{SharedId}", hidden=frozenset({"macAddress"})) == "dc|banner&7"
    assert render("{macAddress}", hidden=frozenset({"macAddressMd5"})) == "0a:1b:2c:3d:4e:5f"


def test_a_value_is_never_read_as_a_template() -> None:
    value = '{Payout} {join(items, i, "x")} {raw(Oid)} {{'
    assert render("{Text1} {lower(Text1)}", Text1=value) == f"{value} {value.lower()}"
    assert render("{join(items, i, '{i.sku}')}", items=[{"sku": value}]) == value


def test_the_example_of_every_function_renders() -> None:
    for function in FUNCTIONS.values():
        assert render(function.example), function.name
        assert function.summary


def test_a_template_is_compiled_once_for_the_same_text_place_and_hidden_names() -> None:
    first = compile_template("{Oid}!", Place.TEXT)
    assert compile_template("{Oid}!", Place.TEXT) is first
    assert compile_template("{Oid}!", Place.FORM) is not first
    assert compile_template("{Oid}!", Place.TEXT, frozenset({"Oid"})).render({"Oid": "1"}) == "!"


def test_zones_come_from_the_package_and_not_from_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zoneinfo, "TZPATH", ())
    source = '{date(EventDate, "%T %Z", "Pacific/Auckland")}'
    assert render(source) == "06:42:38 NZDT"
    assert "Etc/GMT+12" in dates.zone_names()
    assert dates.zone("../zones") is None


def test_what_every_event_has_is_a_part_of_the_sample() -> None:
    least = least_values()
    assert least.items() <= sample_values().items()
    assert {"CampaignId", "Payout", "EventDate", "Oid", "DeliveryId"} <= set(least)
    assert not {"items", "SharedId", "MediaPartnerId", "StatusDetail", "EventCode"} & set(least)


def test_sample_values_are_complete_and_fresh() -> None:
    sample = sample_values()
    sample["items"].clear()
    assert [list(item) for item in sample_values()["items"]] == [list(ITEM_ATTRIBUTES)] * 3
    assert set(sample) == {name for name, parameter in PARAMETERS.items() if not parameter.base} | {"items"}


def test_the_language_needs_neither_settings_nor_a_database() -> None:
    code = (
        "import sys, postbacks.request.template.reference as _; "
        "sys.exit('django' in sys.modules or 'psycopg2' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
