"""Progress bars: on standard error, and only if that is a terminal."""

from __future__ import annotations

from typing import Any

from tqdm import tqdm

# Its thread would be in the way of starting processes.
tqdm.monitor_interval = 0


def progress(total: int | None = None, *, what: str = "", unit: str = "", as_json: bool = False) -> tqdm[Any]:
    """Return a bar, to be used in `with`. `total` None: a count without an end. With `as_json` there is none."""
    return tqdm(
        total=total,
        desc=what or None,
        unit=unit or "",
        unit_scale=unit == "B",
        leave=False,
        disable=True if as_json else None,  # None: only on a terminal.
    )
