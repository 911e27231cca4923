"""How long a thread waits for more before it takes what there is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from front.pile import Pile

LONG = 600.0  # No test waits for so long.


def taken(put: Callable[[Pile[int]], None], *, first: tuple[int, ...] = (1,)) -> list[int] | None:
    """What a thread takes that waits for company, once something more is put."""
    pile: Pile[int] = Pile()
    pile.put(*first)
    found: list[list[int] | None] = []
    taking = threading.Thread(
        target=lambda: found.append(pile.take(3, not_before=time.monotonic() + LONG)), daemon=True
    )
    taking.start()
    taking.join(0.05)
    assert taking.is_alive(), "it waits for company"
    put(pile)
    taking.join(10)
    assert found, "it still waits"
    return found[0]


def test_enough_is_taken_at_once() -> None:
    assert taken(lambda pile: pile.put(2, 3, 4)) == [1, 2, 3]


def test_what_is_urgent_is_taken_at_once_with_all_before_it() -> None:
    assert taken(lambda pile: pile.put(2, is_urgent=True)) == [1, 2]


def test_a_closed_pile_is_taken_at_once() -> None:
    assert taken(lambda pile: pile.close()) == [1]


def test_what_is_left_of_an_urgent_group_is_urgent_until_it_is_taken() -> None:
    pile: Pile[int] = Pile()
    pile.put(1, 2, 3, is_urgent=True)
    assert pile.take(2, not_before=time.monotonic() + LONG) == [1, 2]
    assert pile.take(2, not_before=time.monotonic() + LONG) == [3]
    pile.close()
    assert pile.take(2) is None
