"""An attempt as a row of text that PostgreSQL takes, whatever was sent and came back."""

from __future__ import annotations

import pytest

from postbacks.delivery.attempt_rows import COLUMNS, attempt_row, clean, copy_line, without_text
from postbacks.delivery.outcomes import Delivered, GaveUp, Judged, Outcome, Retry
from postbacks.egress.answer import Answer
from postbacks.egress.failures import LATE_ANSWER, Failure
from tests.support.delivery_rows import claimed, make_answer, prepared, sent

ONE = claimed(attempt=3)


def row_of(
    answer: Answer | Failure | None = None,
    outcome: Outcome = Delivered("Fine."),  # noqa: B008 -- a constant
    *,
    url: str = "http://receiver.example/in?a=1",
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> dict[str, object]:
    attempt = sent(prepared(ONE, url, body=body, headers=headers), answer)
    return dict(zip(COLUMNS, attempt_row(Judged(ONE, outcome, attempt)), strict=True))


def test_a_row_holds_what_was_sent_and_what_came_back() -> None:
    answer = make_answer(200, "São".encode(), {"Content-Type": "text/plain", "X-Id": "7"})
    row = row_of(answer, body=b'{"a": 1}', headers={"Content-Type": "application/json", "X-Empty": ""})
    assert row == {
        "delivery_id": ONE.delivery_id,
        "number": 3,
        "started_at": "2026-11-20T10:30:00.125000+00:00",
        "duration_ms": 12,
        "succeeded": True,
        "reason": "Fine.",
        "postback_id": ONE.postback_id,
        "why": "",
        "method": "POST",
        "url": "http://receiver.example/in?a=1",
        "request_headers": "Content-Type: application/json\nX-Empty: ",
        "request_body": '{"a": 1}',
        "status": 200,
        "response_headers": "Content-Type: text/plain\nX-Id: 7",
        "response_body": "São",
    }


def test_without_an_answer_the_status_is_empty() -> None:
    row = row_of(LATE_ANSWER, Retry("The server did not answer in time.", 5.0))
    assert (row["status"], row["response_headers"], row["response_body"]) == (None, "", "")
    assert row["why"] == "timeout"
    assert (row["succeeded"], row["reason"]) == (False, "The server did not answer in time.")
    assert (row["method"], row["request_body"]) == ("GET", "")


def test_an_answer_that_is_no_success_is_kept_as_well() -> None:
    row = row_of(make_answer(410, b"gone"), GaveUp("Gone."))
    assert (row["succeeded"], row["status"], row["response_body"]) == (False, 410, "gone")


@pytest.mark.parametrize(
    ("raw", "stored"),
    [
        (b"a\x00b", "a\ufffdb"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"\xed\xa0\x80", "\ufffd\ufffd\ufffd"),  # A lone surrogate, in what is almost UTF-8.
        ("😀\x00ü".encode(), "😀\ufffdü"),
    ],
)
def test_bodies_lose_what_text_cannot_hold(raw: bytes, stored: str) -> None:
    row = row_of(make_answer(200, raw), body=raw)
    assert (row["request_body"], row["response_body"]) == (stored, stored)


def test_headers_urls_and_reasons_are_cleaned_too() -> None:
    bad = "a\x00b\ud800c"
    row = row_of(make_answer(200, b"", {"X-Bad": bad}), Delivered(bad), url=f"http://x/{bad}", headers={"X-Own": bad})
    assert row["reason"] == "a\ufffdb?c"
    assert row["url"] == "http://x/a\ufffdb?c"
    assert row["request_headers"] == "X-Own: a\ufffdb?c"
    assert row["response_headers"] == "X-Bad: a\ufffdb?c"


def test_what_is_clean_stays_as_it_is() -> None:
    for text in ("", "plain", "São Paulo\t\r\n\\", "😀", "\x01\x7f"):
        assert clean(text) == text


def test_without_text_keeps_the_outcome_and_drops_what_strangers_wrote() -> None:
    answer = make_answer(200, b"body", {"X": "1"})
    attempt = sent(prepared(ONE, "http://x/secret", body=b"body", headers={"X": "1"}), answer)
    kept = dict(zip(COLUMNS, without_text(attempt_row(Judged(ONE, Delivered("Fine."), attempt))), strict=True))
    texts = {name: kept.pop(name) for name in COLUMNS if name == "url" or name.startswith(("request_", "response_"))}
    assert set(texts.values()) == {""}
    assert list(kept.values()) == [
        ONE.delivery_id, 3, "2026-11-20T10:30:00.125000+00:00", 12, True, "Fine.", ONE.postback_id, "", "POST", 200,
    ]  # fmt: skip


def test_a_copy_line_escapes_what_has_a_meaning_there() -> None:
    for values, written in (
        ((None, ",-", None), "\\N\t,-\t\\N"),
        ((7, None, True, "", "a\tb\nc\rd\\N", "\\."), "7\t\\N\tTrue\t\ta\\tb\\nc\\rd\\\\N\t\\\\."),
        ((7, "%s", "a\tb"), "7\t%s\ta\\tb"),
    ):
        rest = len(COLUMNS) - len(values)
        assert copy_line((*values, *[""] * rest)) == written + "\t" * rest + "\n"
