import json
import string
import time
import tracemalloc
from contextlib import suppress
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postbacks.verdicts import regular_expression
from postbacks.verdicts.effort import MOST_STEPS, Effort, TooSlowError
from postbacks.verdicts.rules import RuleError, Verdict, compile_rules, rule_errors


def judge(success: str, error: str, status: int, body: str) -> Verdict:
    return compile_rules(success, error).judge(status, body)


@pytest.mark.parametrize(
    ("success", "error", "status", "body", "expected"),
    [
        # Without rules.
        ("", "", 200, "", True),
        ("", "", 299, "", True),
        ("", "", 199, "", False),
        ("", "", 302, "", False),
        ("", "", 503, "OK", False),
        ("  \n\n", "\n", 204, "", True),
        # Statuses alone.
        ("404", "", 404, "", True),
        ("404", "", 200, "", False),
        ("200-204", "", 204, "", True),
        ("200-204", "", 205, "", False),
        ("2XX\n409", "", 409, "", True),
        ("2xx", "", 300, "", False),
        ("200 - 204", "", 203, "", True),
        # Content alone counts on a 2xx only.
        ("OK", "", 200, "it is OK.", True),
        ("OK", "", 200, "it is ok.", False),
        ("OK", "", 500, "OK", False),
        ("/^ok$/i", "", 201, "OK", True),
        ("/^ok$/im", "", 201, "no\nOK\nno", True),
        ("/a.b/s", "", 201, "a\nb", True),
        ("/a.b/", "", 201, "a\nb", False),
        ("/a/b/", "", 201, "see a/b", True),
        ("no\nOK", "", 200, "OK", True),
        ("1", "", 200, "1", True),
        # Both kinds: one of each.
        ("200\nOK", "", 200, "OK", True),
        ("201\nOK", "", 200, "OK", False),
        ("200\nOK", "", 200, "no", False),
        ("404\nOK", "", 404, "OK", False),
        ("404\n2xx\nOK\ndone", "", 202, "done", True),
        # Errors first.
        ("", "error", 200, "an error", False),
        ("OK", "/error|denied/", 200, "OK, denied", False),
        ("OK", "/error|denied/", 200, "OK", True),
        ("2xx", "202", 202, "", False),
        ("500", "/fatal/", 500, "fatal", False),
        ("500", "/fatal/", 500, "", True),
        # Expressions must be exactly true.
        ("json: success", "", 200, '{"success": true}', True),
        ("json: success", "", 200, '{"success": "true"}', False),
        ("json: success", "", 200, '{"success": 1}', False),
        ("json: success", "", 200, '{"success": ["x"]}', False),
        ("JSON:status == 'ok' && code == `0`", "", 200, '{"status": "ok", "code": 0}', True),
        ("json: status == 'ok'", "", 200, "<status>ok</status>", False),
        ("json: status == 'ok'", "", 200, "", False),
        ("json: length(items) > `0`", "", 200, '{"items": 5}', False),
        ("", "json: length(errors) > `0`", 200, '{"errors": ["x"]}', False),
        ("", "json: length(errors) > `0`", 200, "{}", True),
        ("", "json: error != `null`", 200, '{"error": "denied"}', False),
    ],
)
def test_a_response_is_judged(success: str, error: str, status: int, body: str, expected: bool) -> None:
    assert judge(success, error, status, body).success is expected


@pytest.mark.parametrize(
    ("success", "error", "status", "body", "reason"),
    [
        ("", "", 200, "", "Status 200 is a success"),
        ("OK", "", 200, "OK", "The success rule OK matched"),
        ("", "", 503, "", "Status 503 is not a success"),
        ("OK", "", 503, "OK", "Status 503 is not a success"),
        ("200-204\n404", "", 302, "", "Status 302 is not a success: expected 200-204 or 404"),
        ("404\nOK", "", 404, "OK", "Status 404 is not a success: OK counts only with a 2xx"),
        ("OK\n/done/", "", 200, "", "No success rule matched: expected OK or /done/ in the body"),
        ("", "/error|denied/", 200, "denied", "The error rule /error|denied/ matched"),
        ("", "5xx", 503, "", "Status 503 matched the error rule 5xx"),
        # Content before status, whatever the order of the lines.
        ("", "5xx\ndenied", 503, "denied", "The error rule denied matched"),
        ("x" * 90, "", 200, "", f"No success rule matched: expected {'x' * 79}… in the body"),
    ],
)
def test_the_verdict_says_why(success: str, error: str, status: int, body: str, reason: str) -> None:
    assert judge(success, error, status, body).reason == reason


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ("204-200", "The range 204-200 runs backwards. Write 200-204."),
        ("700", "700 is not an HTTP status: they run from 100 to 599."),
        ("9xx", "9xx is not an HTTP status"),
        ("200-999", "200-999 is not an HTTP status"),
        ("200, 201", "200, 201 names several statuses. Write one rule a line"),
        ("/denied", "/denied opens a regular expression that is not closed."),
        ("//", "is empty and matches everything"),
        ("/a/q", "q after the last slash of /a/q is not a flag. The flags are i, m and s."),
        ("/a(/", "The regular expression /a(/ is not valid: missing ) at position 2."),
        ("/a{99999999999}/", "counts to more than 20,000 in all. Take smaller numbers in braces, or + and *."),
        ("/(?:a{1000}){1000}/", "counts to more than 20,000 in all"),
        (r"/([ab]{2}(\d{100}x){200})/", "counts to more than 20,000 in all"),
        ("/(?:(?:(?:" + "a{99}){99}){99}){99}/", "counts to more than 20,000 in all"),
        ("/(a(?R)?b)/", "calls one of its own groups"),
        ("/(?P<x>a)(?&x)/", "calls one of its own groups"),
        ("x" * 1001, "… has 1,001 characters, and 1,000 are the most."),
        ("/(a+)+$/", "repeats a group that itself repeats"),
        (r"/(\w*,)*x/", "repeats a group that itself repeats"),
        ("/(a{2,})+/", "repeats a group that itself repeats"),
        ("json:", "json: needs a JMESPath expression"),
        ("json: a[", "it ends too early"),
        ("json: code == 0", "see its column 9. Texts stand in single quotes, numbers"),
        ('json: status == "ok"', "\"ok\" after == names a field. For the text write 'ok'."),
        ("json: success != true", "true after != names a field. For the value write `true`."),
        ("json: a || lenght(b) > `1`", "lenght() is not a JMESPath function. Did you mean length()?"),
        ("json: contains(a)", "contains() takes 2 arguments and has 1."),
        ("json: not_null()", "not_null() takes at least 1 arguments and has 0."),
        ("json: " + "(" * 990, "it nests too deep"),
    ],
)
def test_a_rule_that_cannot_be_used_is_refused_with_its_place(rule: str, problem: str) -> None:
    with pytest.raises(RuleError) as raised:
        compile_rules("200", f"denied\n\n{rule}\n")
    assert (raised.value.field, raised.value.line) == ("error_response", 3)
    assert problem in raised.value.problem
    assert str(raised.value) == f"error_response, line 3: {raised.value.problem}"


UUIDS = "/(?:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12},?){2,100}/"


@pytest.mark.parametrize("rule", [r"/(\+|\*)+/", "/([+*]x)*/", r"/(\d{3}-)+/", "/[(a+)]+/", "/(ab)+/", "/a+b+/", UUIDS])
def test_a_harmless_repetition_is_accepted(rule: str) -> None:
    assert rule_errors("success_response", rule) == []


def test_a_field_has_fifty_lines_at_most() -> None:
    assert rule_errors("success_response", "OK\n" * 50) == []
    (error,) = rule_errors("success_response", "OK\n" * 51)
    assert str(error) == "success_response, line 51: There are 51 lines, and 50 are the most."


def test_every_bad_line_of_a_field_can_be_had_at_once() -> None:
    errors = rule_errors("success_response", "OK\n/a(/\n700\n\njson: a[")
    assert [(error.field, error.line) for error in errors] == [("success_response", line) for line in (2, 3, 5)]


def test_rules_are_compiled_once_for_the_same_texts() -> None:
    assert compile_rules("OK", "/denied/") is compile_rules("OK", "/denied/")


EXPRESSIONS = [
    "@ == `1`",
    "sort(@) == `[]`",
    "ceil(@) > `1`",
    "max_by(@, &a) == a",
    "sum([].a) > `1`",
    "to_number(a) > b",
]


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda values: st.lists(values) | st.dictionaries(st.sampled_from("ab"), values),
)


@given(st.integers(100, 599), st.text() | JSON_VALUES.map(json.dumps))
def test_no_body_makes_the_judge_raise(status: int, body: str) -> None:
    success = "\n".join(f"json: {expression}" for expression in EXPRESSIONS)
    assert isinstance(judge(success, "/never/i", status, body), Verdict)


def test_no_number_and_no_surrogate_makes_an_expression_raise() -> None:
    for expression in EXPRESSIONS:
        for body in ("1e999", "9" * 400, "[1, null, {}]", '{"a": "x"}', "[" * 2000, "\ud800"):
            assert not judge(f"json: {expression}", "", 200, body).success


def test_an_expression_that_takes_too_long_is_given_up_and_says_so() -> None:
    """It would take longer than the universe has time for, and nothing else would be judged meanwhile."""
    rules = compile_rules("/^(a|aa)+$/", "")
    verdict = rules.judge(200, "a" * 64 * 1024 + "!")
    assert not verdict.success
    reason = "The rule /^(a|aa)+$/ took too long on this answer: simplify it"
    assert verdict == Verdict(success=False, reason=reason, undecided=True)


def test_an_expression_that_was_slow_is_given_less_time_until_it_is_quick_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A receiver that knows the rule could stop the thread that sends for 50 ms with each answer."""
    now = 0.0
    given: list[float] = []

    class Pattern:
        def search(self, text: str, *, timeout: float, concurrent: bool) -> None:  # noqa: ARG002 -- as the real one
            nonlocal now
            given.append(timeout)
            if text == "slow":
                now += timeout
                raise TimeoutError

    monkeypatch.setattr(regular_expression, "time", SimpleNamespace(perf_counter=lambda: now))
    expression = regular_expression.RegularExpression(cast("Any", Pattern()))
    for text in (*["slow"] * 8, "quick", "slow"):
        with suppress(TooSlowError):
            expression.found_in(text, Effort())
    assert given == [0.05, 0.025, 0.0125, 0.00625, 0.003125, 0.002, 0.002, 0.002, 0.002, 0.05]


DOUBLED = {
    "lists": "|".join(["[@,@][]"] * 60) + "|length(@) > `1`",
    "nested": "|".join(["[@,@]"] * 60) + "|to_string(@) == 'x'",
    "objects": "|".join(["{a:@,b:@}"] * 60) + "|@ == `1`",
    "texts": "|".join(["join(@,[@,@])"] * 30) + "|@ == 'x'",
    "glue": "length(join(a, l)) > `1`",
}


@pytest.mark.parametrize("expression", DOUBLED.values(), ids=DOUBLED)
def test_a_json_expression_that_grows_without_end_is_given_up(expression: str) -> None:
    rules = compile_rules(f"json: {expression}", "")
    documents = ({"a": "x" * 30_000, "l": [""] * 15_000}, "x" * 60_000, list(range(12_000)))
    reasons = set()
    for document in documents:
        body = json.dumps(document)
        tracemalloc.start()
        reasons.add(rules.judge(200, body).reason)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 30_000_000
    assert any(reason.startswith(f"The rules take more than {MOST_STEPS:,} steps on this answer") for reason in reasons)


def test_a_json_expression_has_room_for_the_largest_answers_that_are_read() -> None:
    lines = json.dumps({"lines": [{"s": "ok", "n": number} for number in range(3000)]})
    for expression in ("length(lines[?s == 'ok']) == `3000`", "length(lines[*].[s, n]) == `3000`"):
        assert judge(f"json: {expression}", "", 200, lines).success


LARGE = json.dumps({"a": [{"s": "ok", "n": number} for number in range(2_500)], "t": "x" * 10_000})
COSTLY = {
    "walks": "length(a[?s == 'no']) == `1`",
    "comparisons": "&&".join(["@ == @"] * 100) + "&& a == b",
    "functions": "length(to_string(@)) == `1`",
    "copies": "a[::1]|[::-1]|[::1]|[::-1]|length(@) == `1`",
    "sorts": "length(sort_by(a, &n)) == `1`",
    "contained": "contains(a, @)",
}


@pytest.mark.parametrize("expression", COSTLY.values(), ids=COSTLY)
def test_all_lines_together_have_one_bound(expression: str) -> None:
    """Fifty lines took fifty times what one may."""
    many = "\n".join(f"json: {expression} && `{number}` == `0`" for number in range(50))
    began = time.process_time()
    verdict = compile_rules(many, many).judge(200, LARGE)

    assert time.process_time() - began < 2  # A tenth of a second on an idle machine.
    assert verdict.reason.startswith(f"The rules take more than {MOST_STEPS:,} steps on this answer, at json: ")
    assert not verdict.undecided


def test_the_same_rules_take_the_same_steps_on_each_run() -> None:
    many = "\n".join(f"json: length(a[?n == `{number}`]) == `2`" for number in range(50))
    reasons = {compile_rules(many, "").judge(200, LARGE).reason for _ in range(3)}
    assert len(reasons) == 1


def test_slow_regular_expressions_share_one_clock() -> None:
    slow = "\n".join(f"/^(a|aa)+{letter}$/" for letter in string.ascii_lowercase[1:])
    began = time.perf_counter()
    verdict = compile_rules("", slow).judge(200, "a" * 64 * 1024)
    assert verdict.undecided
    assert time.perf_counter() - began < 5  # The first is cut off after 50 ms.


def test_text_and_regular_expressions_read_within_the_same_bound() -> None:
    many = "\n".join([f"/never {number}/" for number in range(40)])
    assert compile_rules("", many).judge(200, "x" * 64 * 1024).success
