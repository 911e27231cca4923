"""One budget for all templates of a request, counted in steps: when it is built, and when it is saved."""

from __future__ import annotations

import time
from typing import Any

import pytest

from actions.reports.parameters import sample_values
from actions.reports.reported_items import MAX_ITEMS
from postbacks.models import Postback
from postbacks.request.building import (
    RequestErrors,
    RequestTemplate,
    TooMuchWork,
    compile_request,
    sample_warnings,
)
from postbacks.request.template import limits
from postbacks.validation import postback_errors

JOIN = '{join(items,i,"{i.sku}",",")}'
UPPER = '{join(items,i,"{upper(i.sku)}","")}'
NESTED = '{upper(join(items,i,"{i.sku}",","))}'
CHOICE = "{join(items,i,\"{if(i.sku == 'a', i.sku, '')}\",\"\")}"


def request(*values: str, **fields: Any) -> RequestTemplate:
    pairs = tuple((f"k{number}", value) for number, value in enumerate(values))
    return RequestTemplate("POST", "https://r.example/in", body_format="json", pairs=pairs, **fields)


def values(items: int) -> dict[str, Any]:
    return {**sample_values(), "items": [{"sku": "s", "amt": "1.00"}] * items}


@pytest.mark.parametrize("template", [JOIN, UPPER, NESTED, CHOICE, '{join(items,i,"x","")}'])
@pytest.mark.parametrize("pairs", [10, 100, 300])
def test_many_joins_over_many_items_are_given_up_soon(template: str, pairs: int) -> None:
    each = min(90, limits.REQUEST_BYTES // pairs // len(template) - 1)
    compiled = compile_request(request(*[template * each] * pairs), as_stored=True)
    began = time.process_time()
    with pytest.raises(TooMuchWork, match=r"^The body cannot be written: it takes more than 100,000 steps with"):
        compiled.build(values(MAX_ITEMS))
    assert time.process_time() - began < 3  # A few tenths on an idle machine.


def test_the_budget_is_one_of_url_headers_and_body_together() -> None:
    half = JOIN * 30  # Of 1,000 items some 60,000 steps.
    alone = compile_request(request(half))
    assert alone.build(values(MAX_ITEMS)).body
    with pytest.raises(TooMuchWork):
        compile_request(request(half, half)).build(values(MAX_ITEMS))
    with pytest.raises(TooMuchWork, match=r"The header|The body"):
        compile_request(request(half, headers=f"X-Items: {half}")).build(values(MAX_ITEMS))


def test_each_request_has_a_budget_of_its_own() -> None:
    compiled = compile_request(request(JOIN * 30))
    for _ in range(5):
        assert compiled.build(values(MAX_ITEMS)).body


def test_the_same_request_takes_the_same_steps_each_time() -> None:
    compiled = compile_request(request(JOIN * 60))
    built = []
    for items in range(500, 1000, 10):
        try:
            built.append(bool(compiled.build(values(items)).body))
        except TooMuchWork:
            built.append(False)
    assert built == sorted(built, reverse=True)
    assert len(set(built)) == 2


def test_an_order_with_the_most_items_and_a_rich_body_is_built() -> None:
    item = '{"sku":"{i.sku}","name":"{upper(i.name)}","cat":"{i.cat}","qty":{i.qty},"amt":{i.amt}}'
    body = f"{{join(items,i,'{item}',',')}}"
    compiled = compile_request(RequestTemplate("POST", "https://r.example/", body_format="json", body_raw=f"[{body}]"))
    assert compiled.build(values(MAX_ITEMS)).body


def test_what_is_too_much_of_sample_values_is_refused_when_it_is_saved(
    postback: Postback, monkeypatch: pytest.MonkeyPatch
) -> None:
    postback.method, postback.body_format, postback.body_pairs = "POST", "json", [["k", JOIN * 90]]
    assert "body_pairs" not in postback_errors(postback)
    monkeypatch.setattr(limits, "STEPS", 300)
    (message,) = postback_errors(postback)["body_pairs"]
    assert message.startswith("The body cannot be written: it takes more than 300 steps")
    assert message.endswith("Take joins or functions out.")


def test_what_is_too_much_of_the_most_items_is_warned_about() -> None:
    (warning,) = sample_warnings(request(JOIN * 90))
    assert str(warning.cause).startswith("With the 1,000 items that an order may have, nothing is sent.")
    assert sample_warnings(request(JOIN * 10)) == []


def test_a_request_has_so_many_bytes_of_templates_at_most() -> None:
    pairs = ["x" * 8000] * 9
    with pytest.raises(RequestErrors, match=r"have 72,\d+ bytes of templates, and 65,536 are the most"):
        compile_request(request(*pairs))
    assert compile_request(request(*pairs), as_stored=True).build(values(1)).body


def test_too_many_templates_are_refused_before_they_are_compiled(postback: Postback) -> None:
    postback.method, postback.body_format = "POST", "json"
    postback.body_pairs = [[f"k{number}", "{Oid}x" * 1_300 + str(number)] for number in range(1_000)]
    began = time.process_time()
    assert "bytes of templates" in postback_errors(postback)["body_pairs"][0]
    assert time.process_time() - began < 2  # Compiling took half a minute.
