"""A value never changes the structure around it, whatever it holds; a template never does anything but fail clearly."""

import json
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.etree import ElementTree as ET

from hypothesis import given, settings
from hypothesis import strategies as st

from actions.parameters import PARAMETERS
from postbacks.template import Place, TemplateError, UnusableValueError, compile_template

few = settings(max_examples=60, deadline=None)

# Texts that look like the structure of one of the places come up often enough to matter.
_TRICKS = [
    "{Payout}",
    "{join(items, i, 'x')}",
    '"',
    "\\",
    "\\u0022",
    "]]>",
    "<!--",
    "-->",
    "&amp;",
    "%41",
    "..",
    "\r\n",
]
texts = st.lists(st.text() | st.sampled_from(_TRICKS), max_size=4).map("".join)
xml_texts = texts.map(lambda text: "".join(each for each in text if each in "\t\n\r" or 0x20 <= ord(each) < 0xFFFE))


def values(first: str, second: str, *skus: str) -> dict[str, Any]:
    return {"Text1": first, "Text2": second, "items": [{"sku": sku} for sku in skus]}


@few
@given(texts, texts, st.lists(texts, max_size=3))
def test_a_url_parses_back_to_the_same_pairs(first: str, second: str, skus: list[str]) -> None:
    template = compile_template(
        "https://x.example/{Text1}/end?a={Text1}&b={Text2}{join(items, i, '&s{i}={i.sku}')}", Place.URL
    )
    url = template.render(values(first, second, *skus))
    parts = urlsplit(url)
    assert url.isascii()
    assert (parts.scheme, parts.netloc, parts.fragment) == ("https", "x.example", "")
    assert [unquote(segment) for segment in parts.path.split("/")] == ["", first, "end"]
    assert parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True) == [
        ("a", first),
        ("b", second),
        *((f"s{number}", sku) for number, sku in enumerate(skus, 1)),
    ]


@few
@given(texts, texts, st.lists(texts, max_size=3))
def test_json_loads_back_to_the_same_strings(first: str, second: str, skus: list[str]) -> None:
    template = compile_template(
        """{"a":"<{Text1}{Text2}>","b":{Text2},"s":[{join(items, i, '"{i.sku}"', ',')}]}""",
        Place.JSON,
    )
    assert json.loads(template.render(values(first, second, *skus))) == {
        "a": f"<{first}{second}>",
        "b": second or None,
        "s": skus,
    }


@few
@given(st.sampled_from(["Numeric1", "Money1", "Attempt"]), texts | st.decimals(allow_nan=False).map(str))
def test_a_bare_json_number_is_never_broken_json(name: str, value: str) -> None:
    loaded = json.loads(
        compile_template(f"[{{{name}}}]", Place.JSON).render({name: value}), parse_float=str, parse_int=str
    )
    assert loaded == [value or None]


@few
@given(xml_texts, xml_texts, st.lists(xml_texts, max_size=3))
def test_xml_parses_back_to_the_same_text(first: str, second: str, skus: list[str]) -> None:
    template = compile_template(
        "<x a=\"{Text1}\" b='{Text2}'><t>{Text1}{Text2}</t><c><![CDATA[]{Text1}{Text2}>]]></c>"
        "{join(items, i, '<s>{i.sku}</s>')}</x>",
        Place.XML,
    )
    root = ET.fromstring(template.render(values(first, second, *skus)))  # noqa: S314 -- our own output
    assert root.attrib == {"a": first, "b": second}
    assert [(child.tag, child.text or "") for child in root] == [
        ("t", first + second),
        ("c", f"]{first}{second}>"),
        *(("s", sku) for sku in skus),
    ]


@few
@given(texts)
def test_a_header_holds_the_value_or_is_refused(value: str) -> None:
    template = compile_template("token {Text1}", Place.HEADER)
    try:
        header = template.render({"Text1": value})
    except UnusableValueError:
        assert any(ord(each) < 32 or 127 <= ord(each) < 160 for each in value)
    else:
        assert header == f"token {value}"
        assert not any(ord(each) < 32 or 127 <= ord(each) < 160 for each in header)


@few
@given(st.text(st.characters(categories=["Cs", "Cc", "Lu"]), min_size=1), st.sampled_from(list(Place)))
def test_no_value_makes_bytes_impossible(value: str, place: Place) -> None:
    source = "https://x.example/{Text1}" if place is Place.URL else "{Text1}"
    if place in (Place.URL, Place.FORM, Place.FORM_VALUE, Place.XML, Place.XML_VALUE):
        assert compile_template(source, place).render({"Text1": value}).encode()


_WORDS = [
    *("{", "}", "(", ")", ",", ".", '"', "'", "\\", '\\"', " ", "==", "empty", "5", "-1", "<", ">", "&", "%", "#"),
    *("items", "i", "i.sku", "join(items, i, ", "lower(", "if(", "date(", "text(", "raw(", "{Payout", "{i.", "é", "\n"),
    *list(PARAMETERS)[:3],
]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(_WORDS), max_size=25).map("".join), st.sampled_from(list(Place)))
def test_any_text_compiles_or_is_refused_with_a_place(source: str, place: Place) -> None:
    if place is Place.URL:
        source = "https://x.example/" + source
    try:
        template = compile_template(source, place)
    except TemplateError as error:
        found = error
    else:
        filled = {"Payout": "1.00", "items": [{"sku": "a"}]}
        assert template.render(filled) == template.render(filled)
        return
    lines = source.split("\n")
    for each in found.errors:
        assert 1 <= each.line <= len(lines)
        assert 1 <= each.column <= len(lines[each.line - 1]) + 1
        assert each.message
    assert found.explain()
