"""Rules read back in words, and lines that look like a status and are none. Pure."""

from __future__ import annotations

import pytest

from postbacks.verdicts.rules import compile_rules, rule_errors
from postbacks.verdicts.words import words


def with_hyphens(text: str) -> str:
    return text.replace("\N{EN DASH}", "-")


@pytest.mark.parametrize(
    ("success", "said"),
    [
        ("", "Succeeds on 200-299; fails on any other status."),
        ("200\n\n2xx\n300-301\n404", "Succeeds on 200-301, 404; fails on any other status."),
        ("OK\n/ok/i", "Succeeds on 200-299 if the body contains “OK” or matches /ok/i; fails otherwise."),
        ("200-404\nOK", "Succeeds on 200-299 if the body contains “OK”; fails otherwise."),
        ("json: done", "Succeeds on 200-299 if the body is JSON for which done is true; fails otherwise."),
        ("404\nOK", "Never succeeds: a rule about the body counts on 200-299 only"),
    ],
)
def test_success_rules_in_words(success: str, said: str) -> None:
    assert with_hyphens(words(success, "")["success_response"]).startswith(said)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("", "Nothing else fails."),
        ("5xx\n429", "Fails on 429, 500-599, whatever else holds."),
        ("denied", "Fails if the body contains “denied”, whatever else holds."),
        ("410\n/no/", "Fails on 410 and if the body matches /no/, whatever else holds."),
    ],
)
def test_error_rules_in_words(error: str, said: str) -> None:
    assert with_hyphens(words("", error)["error_response"]) == said


def test_the_words_say_what_the_rules_do() -> None:
    said = words("200-404\nOK", "")["success_response"]
    rules = compile_rules("200-404\nOK", "")
    assert "200-299" in with_hyphens(said)
    assert [status for status in (199, 200, 299, 300, 404) if rules.judge(status, "OK").success] == [200, 299]


def test_retries_in_words_and_nothing_for_a_field_with_a_mistake() -> None:
    said = words("2xxx", "")
    assert said["retry"] == "Tries again after any failure but 410 Gone: 14 times over 3 days."
    assert said.keys() == {"error_response", "retry"}


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("2xxx", "Write 2xx for all from 200 to 299"),
        ("20x", "Write 2xx"),
        ("2 xx", "Write 2xx"),
        ("5**", r"To look for it in the body, write /5\*\*/."),
        ("6xxx", "Write a status from 100 to 599"),
        ("20O", "It has the letter O: write 200."),
        ("4o4", "write 404."),
        ("200-", "A range has a status at both ends: write 200-299."),
        ("-204", "write 100-204."),
        ("200-20", "write 200-299."),
        ("200\N{EN DASH}204", "Write 200-204, with one hyphen."),
        ("200--204", "Write 200-204"),
        ("200..204", "Write 200-204"),
        ("2xx-3xx", "Write 200-399"),
        ("500-2xx", "Write 200-500"),
        (">=400", "Rules do not compare"),
        ("200,,204", "Write one rule a line"),
        ("200,", "Write one rule a line"),
        ("200 or 404", "Write one rule a line"),
        ("HTTP 200", "Write 200 alone."),
        ("600", "they run from 100 to 599"),
        ("299-200", "runs backwards. Write 200-299."),
        ("200,204", "names several statuses"),
        ("//", "is empty"),
        ("json:", "needs a JMESPath expression"),
    ],
)
def test_what_looks_like_a_status_and_is_none_is_refused_at_the_save(line: str, instead: str) -> None:
    (error,) = rule_errors("success_response", f"\n{line}\n200")
    assert error.line == 2
    assert instead in error.problem


@pytest.mark.parametrize("line", ["OK", "0", "1", "1000", "200 OK", "555-1234", "2026-11-20", "x", "2OK", "/200-/"])
def test_texts_that_bodies_do_contain_stay_texts(line: str) -> None:
    assert rule_errors("success_response", line) == []


def test_what_was_saved_before_goes_on() -> None:
    assert compile_rules("200-", "").judge(200, "it says 200-").success


def test_a_long_line_is_read_at_once() -> None:
    assert rule_errors("success_response", "200" + ",;-" * 300 + "!") == []
