"""Which ports postbacks may go to. Services below 1024 (mail, remote shells, name servers) are not receivers, and could
take a request for a command. Of these ports only the two of the web are called, unless a setting names more."""

from __future__ import annotations

from collections.abc import Sequence


def port_refusal(port: int, allowed: Sequence[range]) -> str | None:
    """Why no connection is opened to this port, or None if it may be."""
    if any(port in ports for ports in allowed):
        return None
    return f"port {port} is not called (POSTBACKS_ALLOWED_PORTS lists {_written(allowed)})"


def _written(allowed: Sequence[range]) -> str:
    return ", ".join(str(ports[0]) if len(ports) == 1 else f"{ports[0]}-{ports[-1]}" for ports in allowed)
