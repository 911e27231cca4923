"""From what came of an attempt to the outcome of its delivery."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from postbacks.delivery.judging import judge
from postbacks.delivery.outcomes import Delivered, GaveUp, Outcome, Retry
from postbacks.egress.answer import Answer
from postbacks.egress.failures import Code, Failure
from tests.support.delivery_rows import claimed, make_answer, prepared, sent


def outcome(answer: Answer | Failure, *, attempt: int = 1, success: str = "", error: str = "") -> Outcome:
    return judge(sent(prepared(claimed(attempt=attempt), success=success, error=error), answer))


def retry_of(answer: Answer | Failure, *, attempt: int = 1, success: str = "", error: str = "") -> Retry:
    found = outcome(answer, attempt=attempt, success=success, error=error)
    assert isinstance(found, Retry), found
    return found


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_2xx_is_delivered(status: int) -> None:
    assert outcome(make_answer(status)) == Delivered(f"Status {status} is a success")


@pytest.mark.parametrize("status", [100, 302, 304, 400, 401, 404, 408, 429, 500, 503, 599])
def test_any_other_status_is_tried_again_after_the_first_wait(status: int) -> None:
    found = retry_of(make_answer(status))
    assert found.reason == f"Status {status} is not a success"
    assert 4.5 <= found.delay_seconds <= 5.5


def test_rules_judge_the_body_as_utf_8_whatever_bytes_it_holds() -> None:
    body = b"\xff\xfe S\xc3\xa3o accepted"
    assert outcome(make_answer(200, body), success="São accepted") == Delivered("The success rule São accepted matched")
    assert retry_of(make_answer(200, body), error="São").reason == "The error rule São matched"
    assert "No success rule matched" in retry_of(make_answer(200, body), success="declined").reason


def test_a_status_rule_may_accept_what_is_no_2xx() -> None:
    assert isinstance(outcome(make_answer(404), success="404"), Delivered)


def test_gone_gives_up_at_once() -> None:
    assert outcome(make_answer(410)) == GaveUp("Status 410 Gone: the receiver does not want it any more.")


def test_gone_is_delivered_where_a_rule_says_so() -> None:
    assert isinstance(outcome(make_answer(410), success="410"), Delivered)


def test_what_went_down_with_a_kept_connection_is_tried_again_at_once() -> None:
    dropped = Failure(Code.DROPPED, "The server closed the connection.")
    assert outcome(dropped, attempt=14) == Retry("The server closed the connection.", 0.0)
    assert isinstance(outcome(dropped, attempt=15), GaveUp), "which a last attempt never does"


def test_the_waits_grow_with_the_attempts() -> None:
    waits = [retry_of(make_answer(500), attempt=attempt).delay_seconds for attempt in range(1, 15)]
    assert waits == sorted(waits)
    assert 0.9 * 32 * 3600 <= waits[-1] <= 1.1 * 32 * 3600


def test_retry_after_is_a_least_wait() -> None:
    answered = sent(prepared(claimed()))
    later = format_datetime(datetime.fromtimestamp(answered.started_at + 600, UTC), usegmt=True)
    assert 120 <= retry_of(make_answer(503, headers={"Retry-After": "120"})).delay_seconds <= 132
    assert 595 <= retry_of(make_answer(503, headers={"retry-after": later})).delay_seconds <= 660
    assert 4.5 <= retry_of(make_answer(503, headers={"Retry-After": "0"})).delay_seconds <= 5.5
    assert 4.5 <= retry_of(make_answer(503, headers={"Retry-After": "soon"})).delay_seconds <= 5.5


def test_the_last_attempt_leaves_none() -> None:
    assert isinstance(outcome(make_answer(500), attempt=14), Retry)
    assert outcome(make_answer(500), attempt=15) == GaveUp("Status 500 is not a success. No attempt is left after 15.")
    assert outcome(Failure(Code.REFUSED, "Refused."), attempt=15) == GaveUp("Refused. No attempt is left after 15.")
    assert isinstance(outcome(make_answer(200), attempt=15), Delivered)


@pytest.mark.parametrize("code", [code for code in Code if code not in (Code.INVALID_URL, Code.DROPPED)])
def test_no_answer_is_tried_again_with_what_happened_as_the_reason(code: Code) -> None:
    found = retry_of(Failure(code, "No connection could be made in time."))
    assert found.reason == "No connection could be made in time."
    assert 4.5 <= found.delay_seconds <= 5.5


def test_what_cannot_be_sent_at_all_gives_up() -> None:
    assert outcome(Failure(Code.INVALID_URL, "The URL is malformed.")) == GaveUp("The URL is malformed.")


def test_an_answer_that_the_clock_left_unjudged_never_gives_a_delivery_up() -> None:
    slow, body = "/^(a|aa)+$/", b"a" * 64 * 1024 + b"!"
    for attempt in (1, 15, 16, 40):
        found = retry_of(make_answer(200, body), attempt=attempt, success=slow)
        assert found.reason == f"The rule {slow} took too long on this answer: simplify it"
    assert found.delay_seconds > 24 * 3600


def test_rules_that_take_too_many_steps_fail_the_attempt_as_any_other_verdict() -> None:
    body = json.dumps([{"n": number} for number in range(5_000)]).encode()
    many = "\n".join(f"json: length([?n == `{number}`]) == `2`" for number in range(50))
    assert "The rules take more than" in retry_of(make_answer(200, body), success=many).reason
    assert isinstance(outcome(make_answer(200, body), attempt=15, success=many), GaveUp)
