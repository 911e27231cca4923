"""The key of a page: where it begins, as the address of the next page says it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from actions.reports.fields import shown
from actions.reports.rejected import malformed

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_WRITTEN: Final = re.compile(r"(\d{1,18})-(\d{1,18})(?:-(\d{1,16}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class PageKey:
    """Behind which row a page begins: its id, and its moment where rows are in the order of one.

    With it comes the number of all entries, so that it is counted once and no page costs more than the one before.
    """

    total: int
    pk: int
    moment: datetime | None = None

    def __str__(self) -> str:
        if self.moment is None:
            return f"{self.total}-{self.pk}"
        return f"{self.total}-{self.pk}-{(self.moment - _EPOCH) // _MICROSECOND}"

    @classmethod
    def read(cls, name: str, text: str) -> PageKey:
        """The key that `str` has written. Raises Rejected for any other text."""
        match = _WRITTEN.fullmatch(text)
        if not match:
            raise malformed(name, f"{shown(text)} is no key of a page; take it from the address of the next page.")
        total, pk, moment = match.groups()
        return cls(int(total), int(pk), None if moment is None else _EPOCH + int(moment) * _MICROSECOND)
