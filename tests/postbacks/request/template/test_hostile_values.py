"""Templates and values that are made to break out of their place, or to take memory without end."""

from __future__ import annotations

import json
import re
import time
import tracemalloc
import unicodedata
from xml.etree import ElementTree as ET

import pytest

from actions.reports.fields import MAX_TEXT
from actions.reports.reported_items import MAX_ITEMS
from postbacks.request.building import MAX_BODY_BYTES, RequestTemplate, Unbuildable, compile_request

URL = "https://receiver.example/in"
BREAKOUTS = [
    "x\r\nX-Injected: 1",
    "x\nSet-Cookie: a=b",
    "x\r",
    "x\x00y",
    "\x1b[2Jx",
    'x","admin":true,"y":"',
    "</v><admin>1</admin><v>",
    "]]><admin/><![CDATA[",
    "&admin=1#",
    "{Payout}{raw(Text1)}",
    "%0d%0aX-Injected: 1",
    "\u2028\u2029\u0085",
]


@pytest.mark.parametrize("value", BREAKOUTS)
def test_a_value_stays_in_its_place(value: str) -> None:
    values = {"Text1": value}
    request = compile_request(RequestTemplate("GET", URL + "?a={Text1}&b=1")).build(values)
    query = request.url.partition("?")[2]
    assert query.isascii()
    assert [pair.partition("=")[0] for pair in query.split("&")] == ["a", "b"]
    assert not set(query) & set('\r\n\x00\x1b #<>"{}')

    pairs = (("a", "{Text1}"), ("b", "1"))
    body = compile_request(RequestTemplate("POST", URL, body_format="json", pairs=pairs)).build(values).body
    assert json.loads(body or b"") == {"a": value, "b": "1"}
    form = compile_request(RequestTemplate("POST", URL, body_format="querystring", pairs=pairs)).build(values).body
    assert (form or b"").count(b"&") == (form or b"").count(b"=") - 1 == 1


@pytest.mark.parametrize("value", [each for each in BREAKOUTS if "\x00" not in each and "\x1b" not in each])
def test_a_value_stays_in_its_element(value: str) -> None:
    raw = "<r><v>{Text1}</v></r>"
    body = compile_request(RequestTemplate("POST", URL, body_format="xml", body_raw=raw)).build({"Text1": value}).body
    tree = ET.fromstring(body or b"")  # noqa: S314 -- it is ours
    assert [each.tag for each in tree.iter()] == ["r", "v"]


@pytest.mark.parametrize("value", BREAKOUTS)
def test_a_header_holds_a_value_whole_or_there_is_no_request(value: str) -> None:
    compiled = compile_request(RequestTemplate("GET", URL, headers="X-Value: {Text1}"))
    folded = re.sub(r" *[\t\n\v\f\r]\s*", " ", value)
    refused = any(unicodedata.category(character) == "Cc" for character in folded) or re.search(r"[\r\n]\S+:", value)
    if refused:
        with pytest.raises(Unbuildable, match=r"^The header X-Value cannot be written: "):
            compiled.build({"Text1": value})
    else:
        assert compiled.build({"Text1": value}).headers["X-Value"] == folded.strip(" ")


BOMBS = {
    "functions in functions": ("{" + "base64(" * 15 + "Text1" + ")" * 15 + "}") * 60,
    "codes of codes": ("{" + "urlencode(" * 15 + "Text1" + ")" * 15 + "}") * 45,
    "joins": "{join(items, i, '{Text1}{Text1}{Text1}', ',')}" * 150,
    "joins in functions": ("{" + "base64(" * 12 + "join(items, i, '{i.sku}', ',')" + ")" * 12 + "}") * 6,
    "repetition": "{Text1}" * 1100,
}


@pytest.mark.parametrize("template", BOMBS.values(), ids=BOMBS)
def test_no_template_takes_memory_without_end(template: str) -> None:
    """With the longest values that a report may hold."""
    text = 'é"<' * (MAX_TEXT // 3)
    values = {"Text1": text, "items": [{"sku": text}] * MAX_ITEMS}
    compiled = compile_request(RequestTemplate("POST", URL, body_format="json", body_raw=template))
    tracemalloc.start()
    began = time.process_time()
    try:
        assert len(compiled.build(values).body or b"") <= MAX_BODY_BYTES
    except Unbuildable as error:
        assert f"{MAX_BODY_BYTES:,}" in str(error) or "more than 100,000 steps" in str(error)  # noqa: PT017 -- either is right
    took = time.process_time() - began
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 50_000_000
    assert took < 5, "with the memory being counted"
