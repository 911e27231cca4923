"""Requests are counted in shares, by which no second has more than it may."""

from __future__ import annotations

import asyncio

from actions.api.rate import Allowance
from front.allowances import Allowances


def counted(requests: int, limit: int, *, others: int = 0, away: bool = False) -> tuple[list[Allowance], int]:
    """What each of these requests is told, and how often Redis was asked."""
    total, asked = others, 0

    async def book(_token_id: int, number: int) -> int:
        nonlocal total, asked
        total, asked = total + number, asked + 1
        await asyncio.sleep(0)
        return 0 if away else total

    async def all_at_once() -> list[Allowance]:
        allowances = Allowances(book)
        return await asyncio.gather(*(allowances.count(1, limit, 5.5) for _ in range(requests)))

    return asyncio.run(all_at_once()), asked


def test_requests_that_come_together_ask_once_a_share() -> None:
    told, asked = counted(100, 1000)
    assert [each.used for each in told] == list(range(1, 101))
    assert asked == 5


def test_no_more_are_let_in_than_a_second_has() -> None:
    assert sum(not each.is_exceeded for each in counted(30, 10)[0]) == 10
    assert sum(not each.is_exceeded for each in counted(30, 10, others=7)[0]) == 3
    assert sum(not each.is_exceeded for each in counted(500, 400)[0]) == 400


def test_without_redis_nobody_is_turned_back() -> None:
    told, _ = counted(30, 10, away=True)
    assert not any(each.is_exceeded for each in told)
