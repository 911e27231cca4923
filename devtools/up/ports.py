"""Ports of this machine."""

import socket

from devtools.embedded import EmbeddedError
from environment.addresses import LOCALHOST
from environment.program import command


def require_free(port: int) -> None:
    """Raise `EmbeddedError` unless the web can listen on `port`."""
    with socket.socket() as probe:
        # As the web does: connections of an earlier run that are still closing do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOCALHOST, port))
        except (OSError, OverflowError) as error:
            raise EmbeddedError(
                f"The web cannot listen on port {port}: {error}. Set PORT to a free one: "
                f"PORT={port + 10} {command('up')}"
            ) from error


def find_free() -> int:
    """Return a port that is free now, chosen by the system."""
    with socket.socket() as probe:
        probe.bind((LOCALHOST, 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    """Return whether something accepts connections on `port`."""
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex((LOCALHOST, port)) == 0
