"""The chart of deliveries over time: the geometry of its bars. Pure; the template draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from postbacks.metrics.read import Sums

WIDTH: Final = 960
HEIGHT: Final = 200
OUTCOMES: Final = ("delivered", "failed", "cancelled")
_GAP = 0.2  # Between two bars, as a share of a step.
_LABELS = 6  # Along the bottom; the number of steps of each span is a multiple of it.


@dataclass(frozen=True, slots=True)
class Part:
    """One outcome within a bar, in the chart's units from its top left."""

    outcome: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """One step of time, with the deliveries that ended in it by outcome; `label` is its start."""

    x: float
    width: float
    label: str
    counts: dict[str, int]
    parts: list[Part]


@dataclass(frozen=True, slots=True)
class Chart:
    """`top` is the value at the upper edge; `labels` are positions along the bottom with their text."""

    bars: list[Bar]
    top: int
    labels: list[tuple[float, str]]

    @property
    def empty(self) -> bool:
        return not any(bar.parts for bar in self.bars)


def chart(steps: Sequence[tuple[datetime, Sums]], step: timedelta) -> Chart:
    """A bar for each step, stacked by outcome; times are in the current zone."""
    most = max((sum(_counts(sums).values()) for _, sums in steps), default=0)
    top = _round_up(most)
    wide = WIDTH / max(1, len(steps))
    words = [_words(at, step) for at, _ in steps]
    bars = [
        Bar(round(number * wide, 2), round(wide * (1 - _GAP), 2), words[number], _counts(sums), _parts(sums, top))
        for number, (_, sums) in enumerate(steps)
    ]
    every = max(1, len(steps) // _LABELS)
    return Chart(bars, top, [(bars[number].x, words[number]) for number in range(0, len(bars), every)])


def _counts(sums: Sums) -> dict[str, int]:
    return {outcome: getattr(sums, outcome) for outcome in OUTCOMES}


def _parts(sums: Sums, top: int) -> list[Part]:
    parts, y = [], float(HEIGHT)
    for outcome, count in _counts(sums).items():
        if count:
            height = max(1.0, HEIGHT * count / top)  # One failure among thousands must be visible.
            y -= height
            parts.append(Part(outcome, round(y, 2), round(height, 2)))
    return parts


def _round_up(most: int) -> int:
    """The next number made of one digit, or one digit and a five, and zeros; at least 1."""
    power: int = 10 ** (len(str(max(1, most))) - 1)
    unit = max(1, power // 2)
    return -(-max(1, most) // unit) * unit


def _words(at: datetime, step: timedelta) -> str:
    local = timezone.localtime(at)
    return f"{local:%a %H:%M}" if step > timedelta(hours=1) else f"{local:%H:%M}"
