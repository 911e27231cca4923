"""How lanes take turns within a claim, and which have had a full one. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from postbacks.delivery.claim import Priority
from postbacks.delivery.outcomes import Claimed

FULL_TURN = 4  # A lane that has had so many, and has more, waits behind the others.


def in_turns(claimed: Sequence[Claimed], counts: Counter[int]) -> Sequence[Claimed]:
    """In the order in which they are built and sent: a few of each lane, those of lanes with little first, and so on.

    What builds a lane's requests stays in the processor's caches for these few. All that a lane has at once would need
    as many connections to its host at once.
    """
    if len(counts) == 1:
        return claimed
    so_far: Counter[int] = Counter()
    order = []
    for place, one in enumerate(claimed):
        lane = one.postback_id
        order.append((so_far[lane] // FULL_TURN, counts[lane], lane, place))
        so_far[lane] += 1
    return [claimed[place] for *_, place in sorted(order)]


def with_full_turn(claimed: Sequence[Claimed], counts: Counter[int]) -> list[int]:
    """The lanes of which a full turn was claimed, all of it live traffic: whatever comes next is behind it anyway."""
    others = {one.postback_id for one in claimed if one.priority != Priority.LIVE}
    return [lane for lane, number in counts.items() if number >= FULL_TURN and lane not in others]
