"""What is read while its predecessor is in use."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from contextvars import ContextVar

import pytest

from actions.imports.ahead import read_ahead


def test_the_next_is_made_while_one_is_in_use_and_no_more() -> None:
    asked_for = [threading.Event() for _ in range(4)]

    def things() -> Iterator[int]:
        for number, each in enumerate(asked_for):
            each.set()
            yield number

    with closing(read_ahead(things())) as coming:
        assert next(coming) == 0
        assert not asked_for[1].is_set()  # What has one part needs no thread.
        assert next(coming) == 1
        assert asked_for[2].wait(20)
        assert not asked_for[3].is_set()
        assert list(coming) == [2, 3]


def test_what_cannot_be_made_fails_in_its_place() -> None:
    def things() -> Iterator[int]:
        yield from (1, 2)
        raise LookupError

    coming = read_ahead(things())
    assert [next(coming), next(coming)] == [1, 2]
    with pytest.raises(LookupError):
        next(coming)


def test_the_context_is_that_of_who_asks() -> None:
    of_request: ContextVar[str] = ContextVar("of_request", default="none")
    of_request.set("this")
    assert list(read_ahead(of_request.get() for _ in range(3))) == ["this"] * 3


def test_one_that_is_closed_early_leaves_no_thread() -> None:
    before = threading.active_count()
    coming = read_ahead(iter(range(9)))
    assert [next(coming), next(coming)] == [0, 1]
    assert threading.active_count() > before
    coming.close()
    assert threading.active_count() == before
