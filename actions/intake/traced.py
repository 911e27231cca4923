"""Spans of what happens to reports together: one for each that is traced."""

from __future__ import annotations

import time
from collections.abc import Collection

from actions.intake.taken import Taken
from tracing import traces


def note_each(name: str, taken: Collection[Taken], began: float) -> None:
    """Note for each traced report what was done to all of these from then until now."""
    if not traces.are_on():
        return
    ended = time.time()
    for each in taken:
        if each.trace is not None:
            about = {"postbacks.submission": each.id or 0, "postbacks.together": len(taken)}
            traces.note(name, each.trace, began, ended, about)
