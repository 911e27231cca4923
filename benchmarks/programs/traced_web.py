"""The web, whose processes note when they have the whole of a report: as `python -m front`, with its options."""

from __future__ import annotations

import re
from typing import Any

from benchmarks.programs.notes import note

_ORDER = re.compile(rb"OrderId=([^&]+)")

if __name__ == "__main__":
    from front import server
    from front.__main__ import main

    server.APPLICATION = "benchmarks.programs.traced_web:application"
    main()
else:  # In a process that serves; only there is the project imported.
    from front.application import application as traced

    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
        """The application of `front`, with a note of each body."""

        async def noted() -> Any:
            message = await receive()
            note("door", [order.decode() for order in _ORDER.findall(message.get("body", b""))])
            return message

        await traced(scope, noted, send)
