"""Figures, their targets, and how both are shown and stored."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import orjson

_WIDTHS = (11, 58, 16, 12)  # Scenario, what, figure, target; the verdict follows.


@dataclass(frozen=True, slots=True)
class Target:
    """The target of a figure: at least or at most `value`, in the unit of the figure."""

    bound: Literal["≥", "≤"]
    value: float

    def reached(self, value: float) -> bool:
        return value >= self.value if self.bound == "≥" else value <= self.value


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number. `details`, from which it was computed, go only into the JSON file."""

    what: str
    value: float
    unit: str = ""
    decimals: int = 0
    target: Target | None = None
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        if self.target is None:
            return ""
        return "PASS" if self.target.reached(self.value) else "MISS"

    def shown(self, value: float) -> str:
        return f"{value:,.{self.decimals}f} {self.unit}".rstrip()


def at_least(value: float) -> Target:
    return Target("≥", value)


def at_most(value: float) -> Target:
    return Target("≤", value)


class CannotRunError(Exception):
    """A scenario, or a part of it, cannot be measured here; the text says why."""


class Report:
    """Prints each figure as it comes, and keeps all of them for the JSON file."""

    def __init__(self) -> None:
        self._entries: list[dict[str, Any]] = []
        self.failed = False

    def head(self) -> None:
        self._line("scenario", "what", "measured", "target", "")
        print("─" * (sum(_WIDTHS) + 4 + 5))

    def figure(self, scenario: str, figure: Figure) -> None:
        target = f"{figure.target.bound} {figure.shown(figure.target.value)}" if figure.target else ""
        self._line(scenario, figure.what, figure.shown(figure.value), target, figure.verdict)
        self._entries.append({"scenario": scenario, **asdict(figure), "verdict": figure.verdict})

    def not_run(self, scenario: str, reason: str, *, failed: bool) -> None:
        """`failed` distinguishes a scenario that failed from one that this machine cannot run."""
        lines = reason.splitlines() or [""]
        shown = lines[0] if len(lines) == 1 else f"{lines[0]} … {lines[-1]}"  # The log's last line is the error.
        print(f"{scenario:<{_WIDTHS[0]}} {'FAILED' if failed else 'not measured'}: {shown}", flush=True)
        self._entries.append({"scenario": scenario, "failed" if failed else "not_measured": reason})
        self.failed = self.failed or failed

    def write(self, path: Path, **facts: Any) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        document = {**facts, "results": self._entries}
        path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))

    def _line(self, scenario: str, what: str, value: str, target: str, verdict: str) -> None:
        first, second, third, fourth = _WIDTHS
        print(f"{scenario:<{first}} {what:<{second}} {value:>{third}} {target:>{fourth}} {verdict}", flush=True)
