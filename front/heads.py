"""Heads of usual reports, known by their bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from front import lean
from front.body import FREE_BYTES

END: Final = b"\r\n\r\n"
# One differs from another by its caller, and by the length of its body. Who sends more, as one with its own number in
# each head, has each of them read.
_MOST: Final = 2_048
_LONGEST: Final = 2_048


@dataclass(frozen=True, slots=True)
class Head:
    """What a head says: the report's request, and how many bytes follow."""

    request: lean.Request
    length: int


class Heads:
    """The known heads of a process."""

    def __init__(self) -> None:
        self._known: dict[bytes, Head] = {}

    def find(self, head: bytes) -> Head | None:
        """What this head says, without its empty line, if it is known."""
        return self._known.get(head)

    def learn(self, data: bytes, scope: Mapping[str, Any]) -> None:
        """Note the head that these bytes begin with, and that was read as this, if it is usual."""
        head, end, _ = data.partition(END)
        if not end or len(head) > _LONGEST or not _is_plain(head, len(scope["headers"])):
            return
        request = lean.usual(dict(scope))
        length = int(request.headers.get(b"content-length", b"0")) if request is not None else 0
        if request is not None and length <= FREE_BYTES:
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[head] = Head(request, length)


def _is_plain(head: bytes, headers: int) -> bool:
    """Whether these are a line for the request and one for each header, and nothing else ends a line."""
    ends = head.count(b"\r\n")
    return ends == headers == head.count(b"\r") == head.count(b"\n")
