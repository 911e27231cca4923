"""Python's search for garbage, in processes that do the same thing again and again.

What a group of reports, or a delivery on its way, needs is made together and given up together, mostly without cycles.
With Python's own threshold of 700 objects all of it is looked through meanwhile, again and again, for nothing: a tenth
of the time of recording.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

# As many as a group of 500 reports makes, or as a worker process has on its way. If all of them were garbage, they
# would take some megabytes.
_OBJECTS: Final = 50_000


def search_seldom() -> None:
    """Leave out what has been loaded so far, which stays, and search the rest once for each `_OBJECTS` new ones.

    What is garbage by then stays too; to search for it in a fork would copy all that it shares with its parent.
    """
    gc.freeze()
    gc.set_threshold(_OBJECTS)


@contextmanager
def while_loading() -> Iterator[None]:
    """Search for no garbage while modules are loaded, whose objects stay, nor among these later."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
