"""`python -m front --host 0.0.0.0 --port 8000`: serves the web until SIGTERM or SIGINT; SIGHUP starts it anew.

This process only watches over those that serve. It imports as little as possible, and they start from nothing, so that
after SIGHUP they run the code as it then is.
"""

from __future__ import annotations

import argparse
import sys

from django.core.exceptions import ImproperlyConfigured

from front.server import serve


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m front", description="Serve the web.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at; default: %(default)s")
    parser.add_argument("--port", type=_port, default=8000, help="default: %(default)s")
    parser.add_argument("--processes", type=int, choices=range(1, 65), metavar="1-64", default=2, help="default: 2")
    parser.add_argument("--quiet", action="store_true", help="log warnings and errors only")
    chosen = parser.parse_args()
    try:
        serve(chosen.host, chosen.port, processes=chosen.processes, quiet=chosen.quiet)
    except ImproperlyConfigured as error:
        sys.exit(str(error))


def _port(text: str) -> int:
    port = int(text)
    if not 1 <= port <= 65_535:
        raise ValueError(port)
    return port


# Processes that serve import this file again, under another name.
if __name__ == "__main__":
    main()
