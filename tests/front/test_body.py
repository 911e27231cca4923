"""How much of a body is read, how slowly, and what many of them may take together."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from front import body
from front.body import FREE_BYTES, Body, ClientGoneError, RefusedBodyError, Room


def pieces(*sizes: int, gone: bool = False) -> Any:
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": b"x" * size, "more_body": True} for size in sizes
    ]
    messages.append({"type": "http.disconnect"} if gone else {"type": "http.request"})
    following = iter(messages)

    async def receive() -> dict[str, Any]:
        return next(following)

    return receive


def read(receive: Any, most: int, declared: str = "", room: Room | None = None) -> bytes:
    with Body(room or Room()) as one:
        asyncio.run(one.read(receive, declared, most))
        return one.file.read()


def refused(receive: Any, most: int, declared: str = "", room: Room | None = None) -> int:
    with pytest.raises(RefusedBodyError) as refusal:
        read(receive, most, declared, room)
    return refusal.value.status


@pytest.mark.parametrize("sizes", [(), (0,), (10,), (4, 6), (1,) * 10])
def test_a_body_is_read_to_its_end(sizes: Iterable[int]) -> None:
    assert read(pieces(*sizes), 10) == b"x" * sum(sizes)


def test_one_that_is_declared_too_large_is_not_asked_for() -> None:
    async def receive() -> dict[str, Any]:
        raise AssertionError("It was asked for.")

    assert refused(receive, 10, declared="11") == 413


@pytest.mark.parametrize("declared", ["", "10", "-1", "ten"])
def test_one_that_turns_out_too_large_is_cut_off(declared: str) -> None:
    assert refused(pieces(10, 1), 10, declared) == 413


def test_a_client_that_leaves_midway_is_not_answered() -> None:
    with pytest.raises(ClientGoneError):
        read(pieces(5, gone=True), 10)


@pytest.mark.parametrize("speed", [0, 1])  # Bytes a hundredth of a second.
def test_one_that_drips_is_given_up(speed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "PATIENCE_SECONDS", 0.1)

    async def drip() -> dict[str, Any]:
        await asyncio.sleep(0.01 if speed else 60)
        return {"type": "http.request", "body": b"x", "more_body": True}

    assert refused(drip, 1_000_000) == 408


def test_one_that_comes_steadily_may_take_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "PATIENCE_SECONDS", 0.2)
    sent = 0

    async def steady() -> dict[str, Any]:
        nonlocal sent
        await asyncio.sleep(0.05)
        sent += 1
        return {"type": "http.request", "body": b"x" * 32_768, "more_body": sent < 10}

    assert len(read(steady, 1_000_000)) == 327_680


def test_large_bodies_share_a_room_and_small_ones_need_none() -> None:
    room = Room(2 * FREE_BYTES)
    with Body(room) as first:
        first.add(b"x" * (FREE_BYTES + 1))
        assert refused(pieces(FREE_BYTES + 1), 2 * FREE_BYTES, room=room) == 503
        assert len(read(pieces(FREE_BYTES), FREE_BYTES, room=room)) == FREE_BYTES
    assert len(read(pieces(FREE_BYTES + 1), 2 * FREE_BYTES, room=room)) == FREE_BYTES + 1
