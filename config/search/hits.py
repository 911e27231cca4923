"""What a search has found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Hit:
    """One line that leads to a page. `exact` if its id or its whole name was typed."""

    title: str
    hint: str
    url: str
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """What was found of one kind. `more_url` leads to all of them, if there are more than are shown."""

    title: str
    icon: str
    hits: Sequence[Hit] = field(default_factory=tuple)
    more_url: str = ""

    @property
    def exact(self) -> bool:
        return any(hit.exact for hit in self.hits)
