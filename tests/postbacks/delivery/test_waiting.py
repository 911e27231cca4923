"""The ways in which the sender can wait: that of Linux, and those of other systems, as far as they can be had here."""

from __future__ import annotations

import os
import resource
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pycurl
import pytest

from postbacks.delivery.descriptors import raise_descriptor_limit
from postbacks.delivery.waiting import EpollWaiter, SelectorWaiter, Waiter, make_waiter

LONG = 20  # Seconds; what is waited for comes at once.
NAMES = ("SelectSelector", "PollSelector", "DevpollSelector", "KqueueSelector")
SELECTORS = [getattr(selectors, name) for name in NAMES if hasattr(selectors, name)]


def with_selector(kind: type[selectors.BaseSelector]) -> Callable[[], Waiter]:
    return lambda: SelectorWaiter(kind())


@pytest.fixture(
    params=[make_waiter, *map(with_selector, SELECTORS)], ids=["platform", *(each.__name__ for each in SELECTORS)]
)
def waiter(request: pytest.FixtureRequest) -> Waiter:
    made: Waiter = request.param()
    return made


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        yield ours, theirs


Pair = tuple[socket.socket, socket.socket]


def ready(waiter: Waiter, seconds: float = LONG) -> dict[int, int]:
    found: dict[int, int] = {}
    for fd, events in waiter.ready(seconds):
        found[fd] = found.get(fd, 0) | events
    return found


def test_it_tells_what_can_be_read_and_written(waiter: Waiter, pair: Pair) -> None:
    ours, theirs = pair
    fd = ours.fileno()
    waiter.watch(fd, pycurl.POLL_IN)
    assert ready(waiter, 0) == {}
    theirs.send(b"x")
    assert ready(waiter) == {fd: pycurl.CSELECT_IN}
    waiter.watch(fd, pycurl.POLL_OUT)
    assert ready(waiter) == {fd: pycurl.CSELECT_OUT}
    waiter.watch(fd, pycurl.POLL_INOUT)
    assert ready(waiter) == {fd: pycurl.CSELECT_IN | pycurl.CSELECT_OUT}


def test_a_peer_that_is_gone_can_be_read(waiter: Waiter, pair: Pair) -> None:
    ours, theirs = pair
    waiter.watch(ours.fileno(), pycurl.POLL_IN)
    theirs.close()
    assert ready(waiter)[ours.fileno()] & pycurl.CSELECT_IN


def test_what_is_forgotten_or_wanted_no_more_is_not_told(waiter: Waiter, pair: Pair) -> None:
    ours, theirs = pair
    theirs.send(b"x")
    fd = ours.fileno()
    waiter.watch(fd, pycurl.POLL_IN)
    assert fd in ready(waiter)
    waiter.watch(fd, pycurl.POLL_NONE)
    assert ready(waiter, 0) == {}
    waiter.watch(fd, pycurl.POLL_IN)
    assert fd in ready(waiter)
    waiter.forget(fd)
    waiter.forget(fd)
    assert ready(waiter, 0) == {}


def test_another_thread_ends_the_wait_however_often_it_was_woken_before(waiter: Waiter) -> None:
    for _ in range(100_000):  # More than a pipe holds.
        waiter.wake()
    for _ in range(100):
        ready(waiter, 0)
    woken = threading.Event()

    def wake() -> None:
        woken.set()
        waiter.wake()

    timer = threading.Timer(0.2, wake)
    timer.start()
    began = time.monotonic()
    assert ready(waiter) == {}
    assert woken.is_set(), "it did not wait"
    assert time.monotonic() - began < LONG, "nobody woke it"
    timer.join()


def test_each_platform_gets_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(make_waiter(), EpollWaiter if hasattr(os, "eventfd") else SelectorWaiter)
    monkeypatch.delattr(os, "eventfd", raising=False)
    assert isinstance(make_waiter(), SelectorWaiter)


def test_where_the_system_names_no_limit_of_files_it_takes_ten_thousand(monkeypatch: pytest.MonkeyPatch) -> None:
    """As macOS does."""
    taken = []

    def setrlimit(kind: int, limits: tuple[int, int]) -> None:
        assert kind == resource.RLIMIT_NOFILE
        if limits[0] == resource.RLIM_INFINITY:
            raise ValueError("current limit exceeds maximum limit")
        taken.append(limits)

    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", setrlimit)
    raise_descriptor_limit()
    assert taken == [(10_240, resource.RLIM_INFINITY)]
