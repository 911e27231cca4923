"""A URL has one `?`: joins begin the query once, whatever stands around them."""

from typing import Any
from urllib.parse import urlsplit

import pytest

from postbacks.request.building import RequestErrors, RequestTemplate, compile_request
from postbacks.request.template import Place, compile_template

ITEMS = [{"sku": "GH23", "qty": "3"}, {"sku": "UT66", "qty": "4"}]


def sku(prefix: str) -> str:
    return f"{{join(items, i, 'sku{{i}}={{i.sku}}', '&', '{prefix}')}}"


def qty(prefix: str) -> str:
    return f"{{join(items, i, 'qty{{i}}={{i.qty}}', '&', '{prefix}')}}"


def url(path: str, items: list[dict[str, str]], **values: Any) -> str:
    template = compile_template(f"https://x.example{path}", Place.URL)
    assert template.refusals == ()
    return template.render({"Oid": "1", "Text1": "t", "items": items} | values).removeprefix("https://x.example")


SKUS, QTYS = "sku1=GH23&sku2=UT66", "qty1=3&qty2=4"


@pytest.mark.parametrize(
    ("path", "with_items", "without"),
    [
        ("/in" + sku("?") + qty("?"), f"/in?{SKUS}&{QTYS}", "/in"),
        (sku("?") + qty("?") + sku("?"), f"?{SKUS}&{QTYS}&{SKUS}", ""),
        ("/in?a=1" + sku("?"), f"/in?a=1&{SKUS}", "/in?a=1"),
        ("/in?a={Oid}" + sku("?") + qty("&"), f"/in?a=1&{SKUS}&{QTYS}", "/in?a=1"),
        ("/in?" + sku("?"), f"/in?{SKUS}", "/in?"),
        ("/in?a=1&" + sku("?"), f"/in?a=1&{SKUS}", "/in?a=1&"),
        ("/in" + sku("&") + qty("&"), f"/in?{SKUS}&{QTYS}", "/in"),
        ("/in" + sku("?") + "&oid={Oid}", f"/in?{SKUS}&oid=1", "/in?oid=1"),
        ("/in" + sku("?") + "?oid={Oid}&b=2", f"/in?{SKUS}&oid=1&b=2", "/in?oid=1&b=2"),
        ("/in" + sku("?") + "&oid={Oid}" + qty("?"), f"/in?{SKUS}&oid=1&{QTYS}", "/in?oid=1"),
        ("/in{join(items, i, '?s={i.sku}')}", "/in?s=GH23&s=UT66", "/in"),
        ("/in{join(items, i, '&s={i.sku}')}", "/in?s=GH23&s=UT66", "/in"),
        ("/in?a=1{join(items, i, '&s={i.sku}')}", "/in?a=1&s=GH23&s=UT66", "/in?a=1"),
        ("/in{join(items, i, 's={i.sku}', '?', '?')}", "/in?s=GH23&s=UT66", "/in"),
        ("/in?a=1{raw(join(items, i, 's={i.sku}', '&', '?'))}", "/in?a=1&s=GH23&s=UT66", "/in?a=1"),
        ("/in?u=https://y.example/p?a={Oid}", "/in?u=https://y.example/p?a=1", "/in?u=https://y.example/p?a=1"),
        ("/in?q=what?&b={Oid}", "/in?q=what?&b=1", "/in?q=what?&b=1"),
        ("/in{raw(Text1)}" + sku("?"), f"/int?{SKUS}", "/int"),
        ("/in?a=b%3Fc={Oid}" + sku("&"), f"/in?a=b%3Fc=1&{SKUS}", "/in?a=b%3Fc=1"),
    ],
)
def test_a_query_begins_once(path: str, with_items: str, without: str) -> None:
    if not path.startswith("/"):
        path = f"/{path}"
        with_items, without = f"/{with_items}", f"/{without}"
    assert url(path, ITEMS) == with_items
    assert url(path, []) == without


def test_a_corrected_mark_is_said_with_its_column() -> None:
    template = compile_template("https://x.example/in?a=1" + sku("?"), Place.URL)
    assert [str(each) for each in template.warnings] == [
        "The ? of a join is written & at column 65. The query begins at column 21."
    ]
    template = compile_template("https://x.example/in" + sku("&"), Place.URL)
    assert [str(each) for each in template.warnings] == [
        "The & of a join is written ? at column 61. No query has begun before it."
    ]
    assert compile_template("https://x.example/in" + sku("?") + qty("&"), Place.URL).warnings == ()


@pytest.mark.parametrize(
    ("path", "column"),
    [
        ("/in?a={Oid}?b={Oid}", 29),
        ("/in?a=1?b={Oid}", 25),
        ("/in?a={Oid}{join(items, i, 's={i.sku}?q={i.qty}', '&', '&')}", 55),
        ("/in?a=1{raw(if(Oid empty, Oid, join(items, i, 's={i.sku}', '&', '?')))}", 49),
    ],
)
def test_a_second_mark_that_cannot_be_corrected_is_refused_at_save(path: str, column: int) -> None:
    template = RequestTemplate("GET", f"https://x.example{path}")
    with pytest.raises(RequestErrors) as caught:
        compile_request(template)
    [message] = caught.value.fields["url"]
    assert message.startswith(f"A second ? in the URL at column {column}. ")


def test_a_stored_url_with_a_second_mark_goes_out_as_it_did() -> None:
    template = RequestTemplate("GET", "https://x.example/in?a={Oid}?b={Text1}")
    built = compile_request(template, as_stored=True).build({"Oid": "1", "Text1": "x&y"})
    assert built.url == "https://x.example/in?a=1?b=x%26y"


def test_an_ampersand_before_any_mark_is_warned_about() -> None:
    [found] = compile_template("https://x.example/in&a={Oid}", Place.URL).warnings
    assert str(found) == "An & before any ? at column 21. The first parameter follows a ?."
    assert compile_template("https://x.example/a&b/c", Place.URL).warnings == ()


@pytest.mark.parametrize(("before", "expected"), [("a=1", f"a=1&{SKUS}&{QTYS}"), ("", f"{SKUS}&{QTYS}")])
def test_a_form_body_is_all_query(before: str, expected: str) -> None:
    template = compile_template(before + sku("?") + qty("?"), Place.FORM)
    assert template.render({"items": ITEMS}) == expected
    assert compile_template("a=what?b={Oid}", Place.FORM).refusals == ()


def test_what_the_request_sends_has_one_mark() -> None:
    request = compile_request(RequestTemplate("GET", "https://x.example/in" + sku("?") + qty("?")))
    sent = request.build({"items": ITEMS}).url
    assert (sent.count("?"), urlsplit(sent).query) == (1, f"{SKUS}&{QTYS}")
