"""The wall clock of processes that a test starts, as libfaketime sets it; their monotonic clock is the host's."""

from __future__ import annotations

from pathlib import Path

import pytest


class OwnClock:
    """Right at first. `variables` are for the environment of the processes; all of them follow `set`.

    Under it, Python's `time.sleep` fails, so beat cannot run by it.
    """

    def __init__(self, folder: Path) -> None:
        libraries = sorted(Path("/usr/lib").glob("**/faketime/libfaketimeMT.so.1"))
        if not libraries:
            pytest.skip("libfaketime is not installed (Debian: apt-get install faketime).")
        self._file = folder / "clock"
        self.set(0)
        self.variables = {
            "LD_PRELOAD": str(libraries[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, ahead_seconds: int) -> None:
        """From now on it is so far ahead of the host's clock; below zero: behind."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{ahead_seconds:+d}s\n")
        new.replace(self._file)  # At once: nobody reads half of it.
