"""How lanes take turns within a claim, and which have had a full one. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from postbacks.delivery.claim import Priority
from postbacks.delivery.outcomes import Claimed

FULL_TURN = 4  # A lane that has had so many, and has more, waits behind the others.


def in_turns(claimed: Sequence[Claimed]) -> Sequence[Claimed]:
    """In the order in which they are built and sent: a few of each lane, those of lanes with little first, and so on.

    What builds a lane's requests stays in the processor's caches for these few. All that a lane has at once would need
    as many connections to its host at once.
    """
    by_lane: dict[int, list[Claimed]] = {}
    for one in claimed:
        by_lane.setdefault(one.postback_id, []).append(one)
    if len(by_lane) == 1:
        return claimed
    waiting = [ones for _, ones in sorted(by_lane.items(), key=lambda each: (len(each[1]), each[0]))]
    order: list[Claimed] = []
    for start in range(0, len(waiting[-1]) if waiting else 0, FULL_TURN):
        waiting = [ones for ones in waiting if len(ones) > start]
        for ones in waiting:
            order += ones[start : start + FULL_TURN]
    return order


def with_full_turn(claimed: Sequence[Claimed], counts: Counter[int]) -> list[int]:
    """The lanes of which a full turn was claimed, all of it live traffic: whatever comes next is behind it anyway."""
    others = {one.postback_id for one in claimed if one.priority != Priority.LIVE}
    return [lane for lane, number in counts.items() if number >= FULL_TURN and lane not in others]
