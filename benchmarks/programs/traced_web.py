"""The web, whose processes note when they have the whole of a report: as `python -m front`, with its options."""

from __future__ import annotations

import re

from benchmarks.programs.notes import note

_ORDER = re.compile(rb"OrderId=([^&]+)")

if __name__ == "__main__":
    from front import server
    from front.__main__ import main

    server.APPLICATION = "benchmarks.programs.traced_web:application"
    main()
else:  # In a process that serves; only there is the project imported.
    from front.application import Front
    from front.connection import Connection

    class _Noting(Connection):
        """A connection that notes each body, behind a known head or not."""

        def data_received(self, data: bytes) -> None:
            note("door", [order.decode() for order in _ORDER.findall(data)])
            super().data_received(data)

    class _Traced(Front):
        connection = _Noting

    application = _Traced()
