"""The regular expressions of success and error rules: refused where they cannot be compiled in little time and memory,
given up where they take too long on an answer."""

from __future__ import annotations

import re
import time
from typing import Final

import regex

from postbacks.verdicts.effort import Effort, TooSlowError

_FLAGS: Final = {"i": regex.IGNORECASE, "m": regex.MULTILINE, "s": regex.DOTALL}

_WRITTEN: Final = re.compile(r"/(.*)/([A-Za-z]*)")

# An expression that backtracks can take minutes on 64 KiB of the wrong body. Ordinary ones take microseconds. While it
# searches, no other answer is judged: so it is given less time at once where it was slow before.
_SECONDS: Final = 0.05
_LEAST_SECONDS: Final = 0.002
_SLOW_SECONDS: Final = 0.01

# Counted repetitions are written out when they are compiled: a{1000000} takes 7 s and 500 MB.
_MOST_PLACES: Final = 20_000

# What a group that repeats and stands under a repetition looks like once escapes and sets are out of the way:
# (a+)+ takes time exponential in the length of a body that almost matches.
_ESCAPE_OR_SET = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_STACKED_REPETITION = re.compile(r"\([^()]*(?:[*+]|\{\d*,\d*\})[^()]*\)(?:[*+]|\{\d*,\d*\})")
_RECURSION = re.compile(r"\(\?(?:R|[+-]?\d|&|P>)")  # Into 100 MB within a tenth of a second.
_PIECES = re.compile(r"(?P<open>\()|(?P<close>\))|\{(?P<least>\d+)?(?:,(?P<most>\d+)?)?\}|.", re.DOTALL)


class RegularExpression:
    """A compiled expression; made by `parse_regex`. It remembers whether it was slow."""

    __slots__ = ("_pattern", "_seconds")

    def __init__(self, pattern: regex.Pattern[str]) -> None:
        self._pattern = pattern
        self._seconds = _SECONDS

    def found_in(self, text: str, effort: Effort) -> bool:
        """Raises TooMuchEffortError where the text is too long for what is left, TooSlowError where the clock ends."""
        effort.read(text)
        given = min(self._seconds, effort.seconds)
        if given <= 0:
            raise TooSlowError
        began = time.perf_counter()
        try:
            return self._pattern.search(text, timeout=given, concurrent=True) is not None
        except TimeoutError as cut_off:
            raise TooSlowError from cut_off
        finally:
            took = time.perf_counter() - began
            effort.seconds -= took
            slow = took > min(given, _SLOW_SECONDS)
            self._seconds = max(_LEAST_SECONDS, self._seconds / 2) if slow else _SECONDS


def parse_regex(line: str, shown: str) -> RegularExpression:
    """The expression between slashes, with flags behind. Raises ValueError with what is wrong with it and what to do;
    `shown` is how the message names it."""
    parts = _WRITTEN.fullmatch(line)
    if parts is None:
        raise ValueError(
            f"{shown} opens a regular expression that is not closed. End it with a slash; "
            f"a text that begins with a slash needs one more at either end, as in //path/."
        )
    pattern, flag_letters = parts.groups()
    if not pattern:
        raise ValueError("The regular expression // is empty and matches everything. Write one between the slashes.")
    flags = 0
    for letter in flag_letters:
        if letter not in _FLAGS:
            raise ValueError(f"{letter} after the last slash of {shown} is not a flag. The flags are i, m and s.")
        flags |= _FLAGS[letter]
    return _compiled(pattern, flags, shown)


def _compiled(pattern: str, flags: int, shown: str) -> RegularExpression:
    plain = _ESCAPE_OR_SET.sub("a", pattern)
    if _STACKED_REPETITION.search(plain):
        raise ValueError(
            f"{shown} repeats a group that itself repeats, which can take forever on some bodies. "
            "Take one of the two repetitions away: (a+)+ says no more than a+."
        )
    if _RECURSION.search(plain):
        raise ValueError(f"{shown} calls one of its own groups. Write what it looks for without that.")
    if _places(plain) > _MOST_PLACES:
        raise ValueError(
            f"{shown} counts to more than {_MOST_PLACES:,} in all. Take smaller numbers in braces, or + and *."
        )
    try:
        return RegularExpression(regex.compile(pattern, flags))
    except (regex.error, OverflowError, RecursionError) as problem:
        raise ValueError(f"The regular expression {shown} is not valid: {problem}. Correct it.") from problem


def _places(plain: str) -> int:
    """How long an expression without escapes and sets is with its counted repetitions written out."""
    groups, last = [0], 0
    for piece in _PIECES.finditer(plain):
        if piece["open"]:
            groups.append(0)
            last = 0
            continue
        if piece["close"]:
            last = groups.pop() if len(groups) > 1 else 0
            groups[-1] += last
            continue
        times = max(int(piece["least"] or 0), int(piece["most"] or 0))
        if times:
            groups[-1] += last * (times - 1)
            last *= times
        else:
            last = 1
            groups[-1] += 1
        if groups[-1] > _MOST_PLACES:
            break  # Digits without end are not added up.
    return sum(groups)
