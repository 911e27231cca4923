"""Clocks: one machine writes when a delivery is due, another one reads it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from operations.doctor.finding import Finding, warning, wrong

WORTH_A_WORD_SECONDS = 0.5
TOO_MUCH_SECONDS = 5.0


def skew(name: str, ask: Callable[[], float]) -> Iterator[Finding]:
    """Compares this host's clock with what `ask` returns (seconds since 1970); yields nothing if they agree."""
    before = time.time()
    theirs = ask()
    after = time.time()
    # The other clock was read somewhere in between.
    ahead = theirs - after if theirs > after else theirs - before if theirs < before else 0.0
    yield from judge_skew(name, ahead)


def judge_skew(name: str, ahead_seconds: float) -> Iterator[Finding]:
    off = abs(ahead_seconds)
    if off < WORTH_A_WORD_SECONDS:
        return
    what = f"The {name}'s clock is {off:.1f} s {'ahead of' if ahead_seconds > 0 else 'behind'} this host's."
    fix = "Run NTP on both hosts: postbacks are sent too late, or too early, by the difference."
    yield wrong(what, fix) if off >= TOO_MUCH_SECONDS else warning(what, fix)
