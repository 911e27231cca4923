"""Notes of traced programs: lines of a hop, the delivery or order, and the time, in the file `$BENCHMARK_TRACE`."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable

FILE = "BENCHMARK_TRACE"


def note(hop: str, names: Iterable[object], at: float | None = None) -> None:
    """One appending write, so that the lines of several processes never mix. Without `at`, the time is now."""
    lines = "".join(f"{hop} {name} {at or time.time()}\n" for name in names)
    descriptor = os.open(os.environ[FILE], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, lines.encode())
    os.close(descriptor)
