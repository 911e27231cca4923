"""How an owner's postbacks are, in words. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from postbacks.state import State

# The worst first: it gives the whole its colour. What is not here is told by its label, after these.
_TOLD: Final = {
    "failing": ("is failing", "are failing"),
    "held": ("is held: its destination does not answer", "are held: their destinations do not answer"),
    "paused": ("is paused", "are paused"),
    "active": ("is active", "are active"),
}


@dataclass(frozen=True, slots=True)
class Health:
    """`key` is that of the worst state, `label` its word, `text` a sentence on all of them."""

    key: str
    label: str
    text: str


def health_of(states: Iterable[State]) -> Health:
    """The health of the postbacks that are in these states."""
    found = list(states)
    labels = {state.key: state.label for state in found}
    counts = Counter(state.key for state in found)
    if not counts:
        return Health("none", "No postbacks", "It has no postbacks, so it is told nothing.")
    order = _worst_first(counts)
    if len(order) == 1:
        return Health(order[0], labels[order[0]], f"{_all(counts[order[0]])} {_verb(order[0], labels, counts)}.")
    parts = [f"{counts[key]} {_verb(key, labels, counts)}" for key in order]
    return Health(order[0], labels[order[0]], f"Of {len(found)} postbacks, {', '.join(parts[:-1])} and {parts[-1]}.")


def _all(count: int) -> str:
    return {1: "Its only postback", 2: "Both postbacks"}.get(count, f"All {count} postbacks")


def _verb(key: str, labels: dict[str, str], counts: Counter[str]) -> str:
    one, many = _TOLD.get(key, (f"is {labels[key].lower()}", f"are {labels[key].lower()}"))
    return one if counts[key] == 1 else many


def brief(states: Iterable[State]) -> Health:
    """The same in the fewest words, for a list: `1 held, 2 active`."""
    found = list(states)
    labels = {state.key: state.label for state in found}
    counts = Counter(state.key for state in found)
    if not counts:
        return Health("none", "None", "none")
    order = _worst_first(counts)
    return Health(order[0], labels[order[0]], ", ".join(f"{counts[key]} {labels[key].lower()}" for key in order))


def _worst_first(counts: Counter[str]) -> list[str]:
    return sorted(counts, key=lambda key: list(_TOLD).index(key) if key in _TOLD else len(_TOLD))
