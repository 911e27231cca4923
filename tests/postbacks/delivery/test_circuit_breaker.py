"""What each outcome says of a destination, and how a lane's health follows from it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from postbacks.delivery.circuit_breaker.health import (
    FAILURES_TO_HOLD,
    FIRST_PROBE,
    LONGEST_PROBE_WAIT,
    Health,
    Observation,
    Sign,
    advance,
    sign_of,
)
from postbacks.delivery.outcomes import Delivered, GaveUp, Judged, Outcome, Released, Retry
from postbacks.egress.failures import Code, Failure
from tests.support.delivery_rows import claimed, make_answer, prepared, sent

NOW = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
HELD = Health(10, (1, 2, 3), held_since=NOW - timedelta(hours=1), probe_at=NOW, probe_wait=timedelta(seconds=80))
DOWN, ALIVE, SILENT, GONE, UNSENT = Sign.DOWN, Sign.ALIVE, Sign.SILENT, Sign.GONE, Sign.UNSENT

SIGNS = {
    Code.DNS: DOWN,
    Code.REFUSED: DOWN,
    Code.CONNECT_TIMEOUT: DOWN,
    Code.TLS: DOWN,
    Code.TIMEOUT: DOWN,
    Code.BROKEN: DOWN,
    Code.DROPPED: UNSENT,
    Code.BAD_ANSWER: DOWN,
    Code.ADDRESS: SILENT,
    Code.PORT: SILENT,
    Code.PROXY: SILENT,
    Code.INVALID_URL: SILENT,
    Code.OAUTH_TOKEN: DOWN,
    Code.INTERNAL: SILENT,
    Code.OTHER: SILENT,
}


@pytest.mark.parametrize("code", Code)
def test_what_each_failure_says(code: Code) -> None:
    one = claimed()
    assert sign_of(Judged(one, Retry("…", 5.0), sent(prepared(one), Failure(code, "…")))) is SIGNS[code]


@pytest.mark.parametrize(
    ("status", "outcome", "sign"),
    [
        (200, Delivered("Fine."), ALIVE),
        (200, Retry("A rule refused it.", 5.0), ALIVE),
        (301, Retry("…", 5.0), ALIVE),
        (404, Retry("…", 5.0), ALIVE),
        (429, Retry("…", 5.0), DOWN),
        (500, Retry("…", 5.0), DOWN),
        (503, GaveUp("No attempt is left."), DOWN),
        (503, Delivered("A rule accepts it."), ALIVE),
        (410, GaveUp("Gone."), GONE),
        (410, Delivered("A rule accepts it."), ALIVE),
    ],
)
def test_what_each_answer_says(status: int, outcome: Outcome, sign: Sign) -> None:
    one = claimed()
    assert sign_of(Judged(one, outcome, sent(prepared(one), make_answer(status)))) is sign


@pytest.mark.parametrize("outcome", [GaveUp("It cannot be built."), Released()])
def test_what_was_not_sent_says_nothing(outcome: Outcome) -> None:
    assert sign_of(Judged(claimed(), outcome, None)) is UNSENT


def run(*signs: Sign, health: Health = Health()) -> Health:  # noqa: B008 -- it is frozen
    return advance(health, [Observation(sign, action) for action, sign in enumerate(signs)], NOW)


def test_ten_in_a_row_of_three_actions_hold() -> None:
    assert run(*[DOWN] * (FAILURES_TO_HOLD - 1)).held_since is None
    held = run(*[DOWN] * FAILURES_TO_HOLD)
    assert (held.held_since, held.probe_at, held.probe_wait) == (NOW, NOW + FIRST_PROBE, FIRST_PROBE)
    of_two = advance(Health(), [Observation(DOWN, number % 2) for number in range(30)], NOW)
    assert (of_two.failures, of_two.held_since) == (30, None)


@pytest.mark.parametrize("sign", [SILENT, UNSENT])
def test_what_says_nothing_changes_no_run(sign: Sign) -> None:
    assert run(*[sign] * 50) == Health()
    assert run(*[DOWN] * 9, sign, sign, DOWN).held_since == NOW
    assert run(GONE, sign, GONE, sign, GONE).pauses
    assert run(*[DOWN] * 5, sign).failures == 5


@pytest.mark.parametrize("sign", [SILENT, UNSENT, DOWN])
def test_in_a_hold_only_the_probe_counts(sign: Sign) -> None:
    assert run(sign, health=HELD) == HELD


@pytest.mark.parametrize(
    ("sign", "in_seconds", "wait_seconds"),
    [
        (DOWN, 160, 160),
        (SILENT, 80, 80),  # Not doubled.
        (UNSENT, 0, 80),  # Nothing went out: the next may, at once.
    ],
)
def test_when_the_next_probe_goes_out(sign: Sign, in_seconds: int, wait_seconds: int) -> None:
    after = advance(HELD, [Observation(sign, 1, probe=True)], NOW)
    assert after == replace(
        HELD, probe_at=NOW + timedelta(seconds=in_seconds), probe_wait=timedelta(seconds=wait_seconds)
    )


def test_the_wait_has_a_bound() -> None:
    longest = replace(HELD, probe_wait=LONGEST_PROBE_WAIT)
    for sign in (DOWN, SILENT):
        after = advance(longest, [Observation(sign, 1, probe=True)], NOW)
        assert (after.probe_at, after.probe_wait) == (NOW + LONGEST_PROBE_WAIT, LONGEST_PROBE_WAIT)


@pytest.mark.parametrize("sign", [SILENT, UNSENT])
def test_a_probe_that_tells_nothing_after_its_hold_was_released_begins_none(sign: Sign) -> None:
    assert advance(Health(), [Observation(sign, 1, probe=True)], NOW) == Health()


@pytest.mark.parametrize("probe", [True, False])
def test_any_answer_ends_a_hold(probe: bool) -> None:
    assert advance(HELD, [Observation(ALIVE, 1, probe=probe)], NOW) == Health()
    assert advance(HELD, [Observation(GONE, 1, probe=probe)], NOW) == Health(gone_actions=(1,))
