"""Whose turn it is to accept a connection: what processes note for each other, and what two real ones make of it."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from front.turns import DIFFERENCE, FEW, MOST_PROCESSES, VARIABLE, Turns, share
from tests.support.patience import wait_until
from tests.support.web import Web, running_web


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv(VARIABLE, "")  # So that it is as before in the end.
    file = share()
    assert file is not None
    with file:
        yield


@pytest.mark.usefixtures("shared")
def test_few_connections_are_for_the_first_process() -> None:
    first, second = Turns(1), Turns(2)
    second.note(0)
    assert second.is_own()  # The first one has not begun.
    first.note(FEW - 1)
    assert (first.is_own(), second.is_own()) == (True, False)
    first.note(FEW)
    assert (first.is_own(), second.is_own()) == (False, True)
    first.note(0)
    second.note(FEW)  # What it accepted while the other was away, it keeps.
    assert (first.is_own(), second.is_own()) == (True, False)


@pytest.mark.usefixtures("shared")
def test_more_of_them_go_to_who_has_the_fewest() -> None:
    processes = [Turns(number) for number in (1, 2, 3)]
    for process, has in zip(processes, (FEW + DIFFERENCE, FEW + DIFFERENCE + 1, FEW), strict=True):
        process.note(has)
    assert [process.is_own() for process in processes] == [True, False, True]


@pytest.mark.usefixtures("shared")
def test_what_others_have_taken_is_told_apart() -> None:
    first, second = Turns(1), Turns(2)
    first.note_taken()
    second.note_taken()
    second.note_taken()
    assert (first.taken_by_others(), second.taken_by_others()) == (2, 1)


@pytest.mark.parametrize("number", [1, MOST_PROCESSES + 1])
def test_without_memory_each_connection_is_for_everybody(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "/nowhere")
    turns = Turns(number)
    turns.note(1000)
    turns.note_taken()
    assert turns.is_own()
    assert not turns.are_known
    assert turns.taken_by_others() == 0


def test_a_full_disk_only_costs_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    assert share() is None


@pytest.mark.django_db(transaction=True)
def test_two_processes_keep_a_few_together_and_share_many() -> None:
    with running_web("--quiet") as web:
        wait_until(lambda: all(noted(web)[:2]), 20, "both processes serve")
        of_few: Counter[int] = Counter()
        for _ in range(5):  # One that is held up for a millisecond is passed over.
            of_few += held(web, FEW)
        assert max(of_few.values()) >= 0.75 * 5 * FEW, of_few
        of_many = held(web, 5 * FEW)
        assert min(of_many.values()) >= FEW, of_many
        assert len(of_many) == 2


@pytest.mark.django_db(transaction=True)
def test_one_that_is_killed_leaves_no_file() -> None:
    with running_web("--quiet") as web:
        file = Path(web.serving()[0].environ()[VARIABLE])
        assert file.exists()
        web.process.kill()
        wait_until(lambda: not file.exists(), 20, "those that it started have removed the file")


def held(web: Web, number: int) -> Counter[int]:
    """Open so many connections, and close them; how many each process has held."""
    with ExitStack() as opened:
        clients = {opened.enter_context(closing(web.connect())).getsockname() for _ in range(number)}
        found: Counter[int] = Counter()

        def all_are_held() -> bool:
            found.clear()
            found.update(
                process.pid
                for process in web.serving()
                for each in process.net_connections("tcp")
                if each.raddr in clients
            )
            return found.total() == number

        wait_until(all_are_held, 10, "each connection is accepted")
    wait_until(lambda: sum(noted(web)[:2]) == 2, 10, "both have noted that they have none")
    return found


def noted(web: Web) -> memoryview:
    """What the processes have noted: nothing but 0 of one that has not begun."""
    return memoryview(Path(web.serving()[0].environ()[VARIABLE]).read_bytes()).cast("q")
