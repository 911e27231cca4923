"""What is said each second while something is down is logged once a minute, with a count."""

from __future__ import annotations

import logging

from operations.logs.repeats import QUIET_SECONDS, Repeats


def passed(repeats: Repeats, name: str, message: str, *args: object, level: int = logging.WARNING) -> str | None:
    record = logging.LogRecord(name, level, __file__, 1, message, args, None)
    return record.getMessage() if repeats.filter(record) else None


def test_a_repeated_warning_is_passed_once_a_minute_with_the_number_of_those_left_out() -> None:
    now = 1_000.0
    repeats = Repeats(lambda: now)
    wake = ("postbacks.delivery.ready_queue", "Could not wake %d lanes (%s).")
    assert passed(repeats, *wake, 1, "timeout") == "Could not wake 1 lanes (timeout)."
    assert [passed(repeats, *wake, number, "refused") for number in range(3)] == [None, None, None]
    assert passed(repeats, "postbacks.delivery.ready_queue", "Another.") == "Another."
    now += QUIET_SECONDS
    assert (
        passed(repeats, *wake, 7, "timeout")
        == "Could not wake 7 lanes (timeout). (3 more of these since the last line.)"
    )
    now += QUIET_SECONDS
    assert passed(repeats, *wake, 8, "timeout") == "Could not wake 8 lanes (timeout)."


def test_only_those_who_try_again_by_themselves_are_quiet_and_only_with_warnings() -> None:
    repeats = Repeats(lambda: 1_000.0)
    for name, level in [("actions.api", logging.ERROR), ("celery.worker.strategy", logging.INFO)]:
        assert [passed(repeats, name, "Said.", level=level) for _ in range(2)] == ["Said.", "Said."]
    assert [passed(repeats, "celery.beat", "Said.", level=logging.ERROR) for _ in range(2)] == ["Said.", None]
