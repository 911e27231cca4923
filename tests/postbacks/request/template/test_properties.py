"""A value never changes the structure around it, whatever it holds; a template never does anything but fail clearly."""

import json
import os
import re
import subprocess
import sys
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.etree import ElementTree as ET

from hypothesis import given, settings
from hypothesis import strategies as st

from actions.reports.parameters import PARAMETERS, sample_values
from postbacks.request.building import RequestTemplate, Unbuildable, compile_request
from postbacks.request.template import Place, TemplateError, compile_template

few = settings(max_examples=60, deadline=None)

# Texts that look like the structure of one of the places come up often enough to matter.
_TEMPLATES = ["{Payout}", "{join(items, i, 'x')}", "{join(", "{raw(Oid)}", "{{", "}", "{i.sku}", '{text("x")}']
_TRICKS = [
    *_TEMPLATES,
    *(
        '"',
        "\\",
        "\\u0022",
        '","x":"',
        "null",
        "]]>",
        "<!--",
        "-->",
        "</t>",
        "&amp;",
        "&",
        "%41",
        "%",
        "+",
        "=",
        "..",
        "/",
    ),
    *("?", "#", "\r\n", "\r\nX-Evil: 1", "\0", "\u2028", "\ufeff", "\U0001f600"),
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
@given(texts, texts, st.lists(texts, max_size=3))
def test_a_query_string_body_parses_back_to_the_same_pairs(first: str, second: str, skus: list[str]) -> None:
    raw = "a={Text1}&\n  b={Text2}-{lower(Text2)}{join(items, i, '&s{i}={i.sku}')}"
    pairs = (("a", "{Text1}"), ("b", "{Text2}-{lower(Text2)}"), ("s", "{join(items, i, '{i.sku}', '&')}"))
    event = values(first, second, *skus)
    fixed = [("a", first), ("b", f"{second}-{second.lower()}")]
    assert form_of(event, raw=raw) == [*fixed, *((f"s{number}", sku) for number, sku in enumerate(skus, 1))]
    assert form_of(event, pairs=pairs) == [*fixed, ("s", "&".join(skus))]


def form_of(event: dict[str, Any], **body: Any) -> list[tuple[str, str]]:
    text = body_of(event, "querystring", **body)
    assert text.isascii()
    return parse_qsl(text, keep_blank_values=True, strict_parsing=True)


def body_of(event: dict[str, Any], body_format: str, **body: Any) -> str:
    """What goes out for a raw body or pairs."""
    given_as = {"body_raw" if name == "raw" else name: value for name, value in body.items()}
    template = RequestTemplate("POST", "https://x.example/", body_format=body_format, **given_as)
    content = compile_request(template).build(event).body
    assert isinstance(content, bytes)
    return content.decode()


@few
@given(xml_texts, xml_texts)
def test_pairs_read_back_as_the_same_texts_in_json_and_xml(first: str, second: str) -> None:
    pairs = (("a", 'x "{Text1}" <&>\\'), ("b", "{Text2}{Text1}"))
    expected = {"a": f'x "{first}" <&>\\', "b": second + first}
    event = values(first, second)
    assert json.loads(body_of(event, "json", pairs=pairs)) == expected
    root = ET.fromstring(body_of(event, "xml", pairs=pairs).encode())  # noqa: S314 -- our own output
    assert {child.tag: child.text or "" for child in root} == expected


@few
@given(texts, texts)
def test_no_header_of_a_request_holds_a_control_character(first: str, second: str) -> None:
    headers = "X-One: token {Text1}\nX-Two: {default(Text2, 'none')}/{join(items, i, '{i.sku}')}"
    request = compile_request(RequestTemplate("GET", "https://x.example/", headers))
    try:
        built = request.build(values(first, second, second))
    except Unbuildable:
        assert any(is_control(each) for each in first + second)
        return
    assert built.headers["X-One"] == f"token {folded(first)}".strip(" ")
    assert built.headers["X-Two"] == f"{folded(second or 'none')}/{folded(second)}".strip(" ")
    assert not any(is_control(each) for value in built.headers.values() for each in value)


def folded(text: str) -> str:
    return re.sub(r" *[\t\n\v\f\r][ \t\n\v\f\r]*", " ", text)


def is_control(character: str) -> bool:
    return ord(character) < 32 or 127 <= ord(character) < 160


@few
@given(st.lists(st.sampled_from(_TEMPLATES), min_size=1, max_size=4).map("".join))
def test_a_value_that_looks_like_a_template_comes_out_as_it_went_in(value: str) -> None:
    event = values(value, value, value)
    assert render("{Text1}|{lower(Text1)}", Place.TEXT, event) == f"{value}|{value.lower()}"
    assert render("{Text1}", Place.HEADER, event) == value
    assert unquote(render("https://x.example/{Text1}", Place.URL, event)) == f"https://x.example/{value}"
    assert json.loads(render('["{Text1}",{Text2}]', Place.JSON, event)) == [value, value]
    assert ET.fromstring(render("<a>{Text1}</a>", Place.XML, event)).text == value  # noqa: S314 -- our own output
    assert unquote(render("{join(items, i, '{i.sku}')}", Place.FORM, event)) == value
    assert render("{default(Text3, Text1)}{if(Text1 == Text2, Text1)}", Place.TEXT, event) == value * 2


def render(source: str, place: Place, event: dict[str, Any]) -> str:
    return compile_template(source, place).render(event)


_JSON_LEAVES = [
    *('"{Text1}"', "{Text1}", '"a{Text2}\\\\{Text1}b"', "{Numeric1}", "{lower(Text2)}", "{default(Text2, Numeric1)}"),
    *(
        "{number(Text1)}",
        '"{if(Text1 contains Text2, Text1, 5)}"',
        '"{join(items, i, "{i}{i.sku}", "\\n")}"',
        "7",
        '"{"',
    ),
    *("[{join(items, i, '\"{i.sku}\"', ',')}]", "[0{join(items, i, '{\"s\":{i.sku}}', ',', ',')}]"),
]


def _array(values: list[str]) -> str:
    return f"[{','.join(values)}]"


def _object(values: list[str]) -> str:
    pairs = ",".join(f'"k{number}{{Text2}}":{value}' for number, value in enumerate(values))
    return f"{{{pairs}}}"


_json_templates = st.recursive(
    st.sampled_from(_JSON_LEAVES),
    lambda inner: st.lists(inner, max_size=3).map(_array) | st.lists(inner, max_size=3).map(_object),
    max_leaves=6,
)


def shape(value: Any) -> Any:
    """The structure of a JSON document without its single values and names."""
    if isinstance(value, list):
        return [shape(each) for each in value]
    if isinstance(value, tuple):
        return tuple(shape(pair[1]) for pair in value)
    return None


@settings(max_examples=150, deadline=None)
@given(_json_templates, texts, texts, texts)
def test_no_value_changes_the_shape_of_any_json(source: str, first: str, second: str, sku: str) -> None:
    template = compile_template(source, Place.JSON)

    def shape_with(event: dict[str, Any]) -> Any:
        return shape(json.loads(template.render(event), object_pairs_hook=tuple))

    plain = {"Text1": "a", "Text2": "b", "Numeric1": "1", "items": [{"sku": "s"}, {"sku": "t"}]}
    hostile = {"Text1": first, "Text2": second, "Numeric1": sku, "items": [{"sku": sku}, {"sku": first}]}
    assert shape_with(hostile) == shape_with(plain)


@few
@given(st.text(st.characters(categories=["Cs", "Cc", "Lu"]), min_size=1), st.sampled_from(list(Place)))
def test_no_value_makes_bytes_impossible(value: str, place: Place) -> None:
    source = "https://x.example/{Text1}" if place is Place.URL else "{Text1}"
    if place in (Place.URL, Place.FORM, Place.FORM_VALUE, Place.XML, Place.XML_VALUE):
        assert compile_template(source, place).render({"Text1": value}).encode()


_EVERYTHING = """
from actions.reports.parameters import PARAMETERS, sample_values
from postbacks.request.template import Place, compile_template
from postbacks.request.template.functions import FUNCTIONS
from postbacks.request.template.palette import palette
import json, sys
for place in (Place.TEXT, Place.JSON, Place.FORM):
    for source in (*("{%s}" % name for name in PARAMETERS), *(each.example for each in FUNCTIONS.values())):
        sys.stdout.buffer.write(compile_template(source, place).render(sample_values()).encode() + b"\\n")
sys.stdout.buffer.write(json.dumps(palette()).encode())
"""


def test_the_same_event_is_the_same_bytes_in_any_surroundings() -> None:
    written = [
        subprocess.run(
            [sys.executable, "-c", _EVERYTHING], env=os.environ | surroundings, capture_output=True, check=True
        ).stdout
        for surroundings in (
            {"PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo", "LC_ALL": "C", "PYTHONTZPATH": ""},
            {"PYTHONHASHSEED": "2", "TZ": "America/Caracas", "LC_ALL": "tr_TR.UTF-8", "PYTHONUTF8": "1"},
        )
    ]
    assert written[0] == written[1]
    assert len(written[0].splitlines()) > 3 * len(PARAMETERS)


@few
@given(texts, texts, texts)
def test_rendering_twice_gives_the_same_text(first: str, second: str, sku: str) -> None:
    event = sample_values() | values(first, second, sku, sku)
    for place in (Place.TEXT, Place.JSON, Place.XML, Place.FORM):
        source = "{Text1}{upper(Text2)}{join(items, i, '{i}{sha256(i.sku)}{Payout}', ';')}{EventDate}"
        again = sample_values() | values(first, second, sku, sku)
        assert render(source, place, event) == render(source, place, again)


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
