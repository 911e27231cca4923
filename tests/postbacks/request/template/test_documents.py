"""A document inside a value: each layer reads back the value that went in, whatever it holds."""

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.etree import ElementTree as ET
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postbacks.request.building import RequestErrors, RequestTemplate, Unbuildable, compile_request
from postbacks.request.template import Place, compile_template
from postbacks.request.template.atoms import BREAK, BYTE, GAP, LOOP
from tests.postbacks.request.template.test_properties import xml_texts

URL = "https://partner.example/in"
EVIL = 'x","payout":"999'
HOSTILE = {
    "Note": EVIL,
    "Payout": "7.91",
    "Oid": "SS 1&b=2",
    "Text1": "<b>&\"'",
    "LandingPageUrl": "https://l.example/?q=1",
}


def form_value(value: str) -> str:
    """What the receiver of a QueryString pair `data` reads."""
    request = compile_request(RequestTemplate("POST", URL, "", "querystring", (("data", value),))).build(HOSTILE)
    [(_name, read)] = parse_qsl((request.body or b"").decode(), strict_parsing=True)
    return read


def json_value(value: str) -> str:
    request = compile_request(RequestTemplate("POST", URL, "", "json", (("data", value),))).build(HOSTILE)
    return str(json.loads(request.body or b"")["data"])


def xml_value(value: str) -> str:
    request = compile_request(RequestTemplate("POST", URL, "", "xml", (("data", value),))).build(HOSTILE)
    return ET.fromstring(request.body or b"").findtext("data") or ""  # noqa: S314 -- our own output


def header_value(value: str) -> str:
    return str(compile_request(RequestTemplate("GET", URL, f"X-Data: {value}")).build(HOSTILE).headers["X-Data"])


def url_value(value: str) -> str:
    escaped = value.replace("{", "%7B").replace("}", "%7D").replace("&", "%26")
    template = re.sub("%7B([A-Z][A-Za-z0-9]+)%7D", r"{\1}", escaped)
    url = compile_request(RequestTemplate("GET", f"{URL}?a=1&data={template}&b=2")).build(HOSTILE).url
    pairs = dict(parse_qsl(urlsplit(url).query, strict_parsing=True))
    assert (pairs["a"], pairs["b"]) == ("1", "2")
    return pairs["data"]


VALUES = (form_value, json_value, xml_value, header_value, url_value)


@pytest.mark.parametrize("read", VALUES)
def test_json_inside_a_value_keeps_its_shape(read: Callable[[str], str]) -> None:
    assert json.loads(read('{"note":"{Note}","payout":"{Payout}"}')) == {"note": EVIL, "payout": "7.91"}
    assert json.loads(read('[{"n":{Note},"p":{Payout}}]')) == [{"n": EVIL, "p": 7.91}]
    assert json.loads(read("[{Note}, {Payout}]")) == [EVIL, 7.91]


@pytest.mark.parametrize("read", VALUES)
def test_xml_inside_a_value_keeps_its_shape(read: Callable[[str], str]) -> None:
    root = ET.fromstring(read('<n a="{Text1}"><m>{Text1}</m></n>'))  # noqa: S314 -- our own output
    assert (root.attrib, root.findtext("m")) == ({"a": HOSTILE["Text1"]}, HOSTILE["Text1"])
    assert read("<n/>{Text1}<n/>") == "<n/>&lt;b&gt;&amp;&quot;&#39;<n/>"


@pytest.mark.parametrize("read", VALUES)
def test_a_query_inside_a_value_keeps_its_pairs(read: Callable[[str], str]) -> None:
    assert parse_qsl(read("a={Oid}&c={Note}"), strict_parsing=True) == [("a", HOSTILE["Oid"]), ("c", EVIL)]
    assert urlsplit(read("https://shop.example/{Oid}?a={Oid}")).query == "a=SS%201%26b%3D2"
    assert parse_qsl(read("/p?x=1&d={Note}").partition("?")[2]) == [("x", "1"), ("d", EVIL)]


@pytest.mark.parametrize(
    "text",
    ["a={Oid}", "{Note} & {Oid}", "[{Oid}] sale {Note}", "<{Note}>", "is it so? a={Oid}", '{"{Note}', "A&B={Oid}"],
)
def test_what_is_no_document_is_text_as_before(text: str) -> None:
    plain = text.format_map(HOSTILE) if text != '{"{Note}' else f'{{"{EVIL}'
    assert form_value(text) == json_value(text) == xml_value(text) == header_value(text) == plain


def test_the_address_that_a_query_follows_is_no_part_of_one() -> None:
    assert form_value("{LandingPageUrl}?c={Oid}") == "https://l.example/?q=1?c=SS%201%26b%3D2"


def test_raw_bodies_hold_documents_in_their_values_too() -> None:
    apps_flyer = render(r'{"eventValue":"{\"n\":\"{Note}\",\"p\":{Payout}}"}', Place.JSON)
    assert json.loads(json.loads(apps_flyer)["eventValue"]) == {"n": EVIL, "p": 7.91}
    tree = render('<a d="a={Oid}&amp;b={Oid}"><t>{"n":"{Note}"}</t><c><![CDATA[<n>{Text1}</n>]]></c></a>', Place.XML)
    root = ET.fromstring(tree)  # noqa: S314 -- our own output
    assert parse_qsl(root.attrib["d"]) == [("a", HOSTILE["Oid"]), ("b", HOSTILE["Oid"])]
    assert json.loads(root.findtext("t") or "") == {"n": EVIL}
    assert ET.fromstring(root.findtext("c") or "").text == HOSTILE["Text1"]  # noqa: S314 -- our own output
    form = render('a=1&\n  d={"n":"{Note}"}&\n  e=%5B"{Note}"%5D', Place.FORM)
    assert [json.loads(value) for _name, value in parse_qsl(form)] == [1, {"n": EVIL}, [EVIL]]


def render(source: str, place: Place, **values: Any) -> str:
    return compile_template(source, place).render(HOSTILE | values)


def test_a_join_fills_the_document_around_it() -> None:
    items = [{"sku": '"a&'}, {"sku": "<b>"}]
    source = (
        """https://x.example/?d=[{join(items, i, '"{i.sku}"', ',')}]{join(items, i, '&e{i}=%7B"s":"{i.sku}"%7D')}"""
    )
    pairs = parse_qsl(urlsplit(render(source, Place.URL, items=items)).query)
    assert [(name, json.loads(value)) for name, value in pairs] == [
        ("d", ['"a&', "<b>"]),
        ("e1", {"s": '"a&'}),
        ("e2", {"s": "<b>"}),
    ]
    inner = "{join(items, i, '&s{i}={i.sku}')}"
    assert parse_qsl(json.loads('"' + render(f"a=1{inner}", Place.JSON_VALUE, items=items) + '"')) == [
        ("a", "1"),
        ("s1", '"a&'),
        ("s2", "<b>"),
    ]


def test_a_value_that_the_template_encodes_itself_is_not_encoded_twice() -> None:
    assert json.loads(form_value('{"n":"{json(Note)}"}')) == {"n": EVIL}
    assert form_value("<n>{xml(Text1)}</n>") == form_value("<n>{Text1}</n>")
    assert json_value("/p?a={urlencode(Oid)}") == json_value("/p?a={Oid}") == "/p?a=SS%201%26b%3D2"


def test_what_is_not_recognised_is_written_with_a_function() -> None:
    assert form_value('call({"n":"{json(Note)}"})') == r'call({"n":"x\",\"payout\":\"999"})'
    assert header_value("a <n>{xml(Text1)}</n>") == "a <n>&lt;b&gt;&amp;&quot;&#39;</n>"


def test_raw_lifts_the_inner_document_and_no_layer_around_it() -> None:
    assert json.loads(json.loads('"' + render('{"n":{raw(Text2)}}', Place.JSON_VALUE, Text2='{"a":1}') + '"')) == {
        "n": {"a": 1}
    }


GENEROUS = ['{"n":"{Note}",}', '{n:"{Note}"}', '["{Note}",]']


@pytest.mark.parametrize("text", GENEROUS)
def test_what_is_nearly_json_counts_as_well(text: str) -> None:
    assert form_value(text) == text.replace("{Note}", json.dumps(EVIL)[1:-1])


REFUSED = [
    (r'{"n":"\{Note}"}', "A value right after a backslash, inside an escape"),
    ("<a {Note}></a>", "A value inside an XML tag, outside a quoted attribute,"),
    ("/?u=" * 8 + "{Oid}", "More than 6 documents inside each other"),
]


@pytest.mark.parametrize(("value", "message"), REFUSED)
def test_a_place_that_no_value_can_take_is_refused_at_save_and_sent_as_before(value: str, message: str) -> None:
    template = RequestTemplate("POST", URL, "", "json", (("data", value),))
    with pytest.raises(RequestErrors, match=re.escape(message)) as caught:
        compile_request(template)
    assert "column" in str(caught.value)
    stored = compile_request(template, as_stored=True).build({"Note": "n", "Oid": "1"})
    assert json.loads(stored.body or b"")["data"] == value.replace("{Note}", "n").replace("{Oid}", "1")


# Any nesting, any value


Wrap = Callable[[str], str]


def _literally(escape: Wrap) -> Wrap:
    """What escapes the literal text of a template and leaves its placeholders."""
    return lambda text: "".join(
        part if index % 2 else escape(part) for index, part in enumerate(re.split(r"(\{Text[12]\})", text))
    )


_json = _literally(lambda text: json.dumps(text)[1:-1])
_query = _literally(lambda text: quote(text, safe=""))
_xml = _literally(lambda text: quoteattr(text, {"'": "&#39;", '"': "&quot;"})[1:-1])

WRAPS: dict[str, Wrap] = {
    "json": lambda inner: f'{{"v":{{Text2}},"d":"{_json(inner)}"}}',
    "array": lambda inner: f'["{{Text2}}","{_json(inner)}"]',
    "xml": lambda inner: f'<r v="{{Text2}}"><d>{_xml(inner)}</d></r>',
    "attribute": lambda inner: f"<r v='{{Text2}}' d=\"{_xml(inner)}\"/>",
    "query": lambda inner: f"v={{Text2}}&d={_query(inner)}",
    "address": lambda inner: f"https://x.example/p?v={{Text2}}&d={_query(inner)}",
}


def unwrapped(kind: str, text: str) -> tuple[str, str]:
    """The value and the inner document, as the reader of the outer one gets them."""
    if kind == "json":
        loaded = json.loads(text)
        assert list(loaded) == ["v", "d"]
        return loaded["v"] or "", loaded["d"]
    if kind == "array":
        value, inner = json.loads(text)
        return value, inner
    if kind in ("xml", "attribute"):
        root = ET.fromstring(text)  # noqa: S314 -- our own output
        return root.attrib["v"], root.attrib.get("d") or root.findtext("d") or ""
    pairs = parse_qsl(text.rpartition("?")[2], keep_blank_values=True, strict_parsing=True)
    assert [name for name, _value in pairs] == ["v", "d"]
    return pairs[0][1], pairs[1][1]


OUTER: dict[str, tuple[Callable[[str], RequestTemplate], Callable[[Any], str]]] = {
    "pair of a form": (
        lambda text: RequestTemplate("POST", URL, "", "querystring", (("d", text),)),
        lambda request: parse_qsl(request.body.decode(), keep_blank_values=True)[0][1],
    ),
    "pair in JSON": (
        lambda text: RequestTemplate("POST", URL, "", "json", (("d", text),)),
        lambda request: str(json.loads(request.body)["d"]),
    ),
    "pair in XML": (
        lambda text: RequestTemplate("POST", URL, "", "xml", (("d", text),)),
        lambda request: ET.fromstring(request.body).findtext("d") or "",  # noqa: S314 -- our own output
    ),
    "header": (
        lambda text: RequestTemplate("GET", URL, f"X-D: {text}"),
        lambda request: str(request.headers["X-D"]),
    ),
    "parameter": (
        lambda text: RequestTemplate("GET", f"{URL}?c=1&d={_query(text)}"),
        lambda request: dict(parse_qsl(urlsplit(request.url).query, keep_blank_values=True))["d"],
    ),
    "raw form": (
        lambda text: RequestTemplate("POST", URL, "", "querystring", (), f"c=1&d={_query(text)}"),
        lambda request: dict(parse_qsl(request.body.decode(), keep_blank_values=True))["d"],
    ),
    "raw JSON": (
        lambda text: RequestTemplate("POST", URL, "", "json", (), f'{{"d":"{_json(text)}"}}'),
        lambda request: str(json.loads(request.body)["d"]),
    ),
    "raw XML": (
        lambda text: RequestTemplate("POST", URL, "", "xml", (), f"<d>{_xml(text)}</d>"),
        lambda request: ET.fromstring(request.body).text or "",  # noqa: S314 -- our own output
    ),
}


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(sorted(OUTER)),
    st.lists(st.sampled_from(sorted(WRAPS)), min_size=1, max_size=4),
    xml_texts,
    xml_texts,
)
def test_every_layer_reads_back_what_went_in(outer: str, kinds: list[str], first: str, second: str) -> None:
    if outer == "header" and kinds[0] in ("xml", "attribute"):
        kinds = ["query", *kinds]  # A header holds no line end, and XML does.
    source = "{Text1}"
    for kind in reversed(kinds):
        source = WRAPS[kind](source)
    make, read = OUTER[outer]
    try:
        text = read(compile_request(make(source)).build({"Text1": first, "Text2": second}))
    except Unbuildable:
        assert outer == "header"
        return
    for kind in kinds:
        value, text = unwrapped(kind, text)
        assert value == second
    assert text == first


@pytest.mark.parametrize("stand_in", [GAP, LOOP, BREAK, BYTE], ids=["gap", "loop", "break", "byte"])
@pytest.mark.parametrize("place", Place, ids=str)
def test_a_character_that_stands_for_something_inside_is_sent_like_any_other(place: Place, stand_in: str) -> None:
    around = "https://x.example/?a=[{Oid}" if place is Place.URL else "a=[{Oid}"
    sent, expected = (compile_template(around + each, place).render(HOSTILE) for each in (stand_in, "\u263a"))
    assert unquote(sent) == unquote(expected).replace("\u263a", stand_in)
