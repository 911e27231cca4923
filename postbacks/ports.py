"""Which ports postbacks may go to. Below 1024 live services that are no receivers (mail, remote shells, name servers)
and would take a request for a command; so of those only the two of the web are called unless a setting says more."""

from __future__ import annotations

import re
from collections.abc import Sequence

Ports = tuple[range, ...]

_PORTS = re.compile(r"(\d{1,5})(?:\s*-\s*(\d{1,5}))?", re.ASCII)
_MOST = 65_535


def port_refusal(port: int, allowed: Sequence[range]) -> str | None:
    """Why no connection is opened to this port, or None if it may be."""
    if any(port in ports for ports in allowed):
        return None
    return f"port {port} is not called (POSTBACKS_ALLOWED_PORTS lists {_written(allowed)})"


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


def _written(allowed: Sequence[range]) -> str:
    return ", ".join(str(ports[0]) if len(ports) == 1 else f"{ports[0]}-{ports[-1]}" for ports in allowed)
