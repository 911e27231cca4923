"""Ports as users write them."""

from __future__ import annotations

import re
from collections.abc import Sequence

Ports = tuple[range, ...]

_PORTS = re.compile(r"(\d{1,5})(?:\s*-\s*(\d{1,5}))?", re.ASCII)
_MOST = 65_535


def parse_ports(texts: Sequence[str]) -> Ports:
    """The ports of a list such as `80`, `1024-65535`, blanks left out. Raises ValueError naming the bad one."""
    return tuple(_parse(text.strip()) for text in texts if text.strip())


def _parse(text: str) -> range:
    found = _PORTS.fullmatch(text)
    first = int(found[1]) if found else 0
    last = int(found[2] or found[1]) if found else 0
    if not 0 < first <= last <= _MOST:
        raise ValueError(f"{text} is neither a port nor a range of ports. Write it as 443 or 8000-8999.")
    return range(first, last + 1)
