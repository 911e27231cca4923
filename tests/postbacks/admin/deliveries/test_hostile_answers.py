"""Whatever a receiver answers, the page of its delivery opens, stays small, and shows what came."""

from __future__ import annotations

import re
import time

import pytest
from django.test import Client

from postbacks.admin.deliveries.pretty import pretty_body, visible
from postbacks.models import Postback
from tests.support.log_rows import make_attempt, make_finished

LOG = "/admin/postbacks/delivery/"
MOST_BYTES = 2_000_000
READ = 64 * 1024  # What is read of an answer.
HOSTILE = {
    "xml-never-closed": "<a>" * 8000,
    "xml-nested": "<a>" * 8000 + "</a>" * 8000,
    "xml-wide-below-depth": "<a>" * 99 + "<b/>" * 16_000 + "</a>" * 99,
    "xml-many": "<a>" + "<b/>" * 16_000 + "</a>",
    "xml-attributes": "<a " + " ".join(f'a{number}="1"' for number in range(8000)) + "/>",
    "xml-entities": "<a>" + "&lt;" * 16_000 + "</a>",
    "json-nested": "[" * 32_000 + "]" * 32_000,
    "json-nested-objects": '{"a":' * 10_000 + "1" + "}" * 10_000,
    "json-wide-below-depth": "[" * 99 + ",".join("1" * 32_000) + "]" * 99,
    "json-wide": "[" + ",".join("1" * 32_000) + "]",
    "json-half": '{"a":' * 10_000,
    "json-huge-number": "[1" + "0" * 60_000 + "]",
    "json-number-beyond-floats": "[1e999999999,-1e-999999999]",
    "json-lone-surrogate": '["\\ud800"]',
    "quotes": "\"'" * (READ // 2),
    "one-line": "x" * READ,
    "many-lines": "\n" * READ,
    "controls": "".join(map(chr, range(1, 32))) * 2000,
    "turned-around": "\u202e" * 20_000,
    "many-pairs": "a&" * (READ // 2),
}


@pytest.mark.django_db
@pytest.mark.parametrize("answer", HOSTILE.values(), ids=HOSTILE)
def test_the_page_of_a_delivery_opens(root: Client, postback: Postback, answer: str) -> None:
    delivery = make_finished(postback)
    for number in range(1, 16):
        text = answer[:READ]
        make_attempt(delivery, number, response_body=text, response_headers=text, request_body=text)

    page = root.get(f"{LOG}{delivery.pk}/change/")

    assert page.status_code == 200
    assert len(page.content) < MOST_BYTES


@pytest.mark.parametrize("answer", HOSTILE.values(), ids=HOSTILE)
def test_what_grows_by_indenting_stands_as_it_came(answer: str) -> None:
    began = time.process_time()
    pretty = pretty_body(answer)
    assert time.process_time() - began < 2  # Some milliseconds, on an idle machine.
    assert len(pretty) <= 4 * READ
    assert re.sub(r"\s", "", pretty) == re.sub(r"\s", "", answer)


@pytest.mark.django_db
def test_a_long_attempt_that_is_not_shown_is_a_click_away(root: Client, postback: Postback) -> None:
    delivery = make_finished(postback)
    for number in (1, 2, 3):
        make_attempt(delivery, number, response_body=f"answer {number} " + "x" * READ)
    page = root.get(f"{LOG}{delivery.pk}/change/").content.decode()
    assert "answer 3" in page
    assert "answer 1" not in page
    assert 'href="?attempt=1"' in page

    assert "answer 1" in root.get(f"{LOG}{delivery.pk}/change/?attempt=1").content.decode()


def test_characters_that_do_not_show_are_named() -> None:
    assert visible("a\x07b\u202ec\ufeff\r\n\td \u200d") == "a[U+0007]b[U+202E]c[U+FEFF]\r\n\td \u200d"
