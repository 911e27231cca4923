"""Programs that tests start: none outlives its test, however that ends."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_STOP_SECONDS = 60  # On a machine with much else to do.


@contextmanager
def killed_afterwards(process: subprocess.Popen[Any]) -> Iterator[None]:
    try:
        yield
    finally:
        process.kill()
        process.wait()


def stop(process: subprocess.Popen[Any]) -> None:
    """Asks it to stop; kills it, and fails the test, if it does not."""
    with killed_afterwards(process):
        process.terminate()
        process.wait(_STOP_SECONDS)
