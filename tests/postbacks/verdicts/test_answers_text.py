"""What rules make of an answer's text: its line ends, and a body that cannot be read."""

from __future__ import annotations

import pytest

from postbacks.verdicts.rules import Verdict, compile_rules


def matches(rule: str, body: str) -> bool:
    return compile_rules(rule, "").judge(200, body).success


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\r", "\n\n", "\r\n\r\n", "\r\r\n"])
def test_a_dollar_stands_before_any_line_ends(end: str) -> None:
    assert matches("/^OK$/", f"OK{end}")
    assert matches("/^OK$/i", f"ok{end}")
    assert matches("/^OK$/m", f"Hello\r\nOK{end}")
    assert not compile_rules("", "/^(?!OK$)/").judge(200, f"no{end}").success
    assert compile_rules("", "/^(?!OK$)/").judge(200, f"OK{end}").success


@pytest.mark.parametrize("body", ["OK ", " OK", "\nOK", "OK\r\nno", "OK\tOK", "OKOK"])
def test_it_stands_before_nothing_else(body: str) -> None:
    assert not matches("/^OK$/", body)


@pytest.mark.parametrize(
    ("rule", "body"),
    [
        (r"/^OK\r\n$/", "OK\r\n"),
        (r"/OK\x0d/", "OK\r\n"),
        (r"/^OK\R$/", "OK\r\n"),
        (r"/OK\n\n/", "OK\n\n"),
        (r"/OK\n$/", "OK\n"),
        (r"/OK\nDone/", "OK\r\nDone"),
        (r"/^OK$\n^Done$/m", "OK\r\nDone\r\n"),
        (r"/OK\s+Done/", "OK\r\n\r\nDone"),
        ("/OK.Done/s", "OK\r\nDone"),
    ],
)
def test_an_expression_may_speak_of_line_ends_itself(rule: str, body: str) -> None:
    assert matches(rule, body)


WHY = "The answer's body is broken."


@pytest.mark.parametrize(
    ("success", "error", "status", "verdict"),
    [
        ("", "", 200, Verdict(True, f"Status 200 is a success, and no rule asks for its body. {WHY}")),
        ("404", "5xx", 404, Verdict(True, f"Status 404 is a success, and no rule asks for its body. {WHY}")),
        ("", "", 500, Verdict(False, "Status 500 is not a success")),
        ("OK", "", 500, Verdict(False, "Status 500 is not a success")),
        ("", "denied\n2xx", 200, Verdict(False, "Status 200 matched the error rule 2xx")),
        ("OK", "", 200, Verdict(False, "The answer's body is broken: no rule can judge it")),
        ("", "/denied/", 200, Verdict(False, "The answer's body is broken: no rule can judge it")),
        ("200\njson: ok", "", 200, Verdict(False, "The answer's body is broken: no rule can judge it")),
    ],
)
def test_an_answer_that_cannot_be_read_fails_where_a_rule_asks_for_its_body(
    success: str, error: str, status: int, verdict: Verdict
) -> None:
    assert compile_rules(success, error).judge(status, "OK denied", WHY) == verdict
