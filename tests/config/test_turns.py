"""How long a thread waits for its turn beside work that takes the processor for itself."""

from __future__ import annotations

import sys
import threading

import pytest

from actions import tasks as of_actions
from actions.recording import maturing
from environment.turns import short_turns


def test_turns_are_short_while_any_such_work_goes_on() -> None:
    usual = sys.getswitchinterval()
    with short_turns():
        short = sys.getswitchinterval()
        with short_turns():
            assert sys.getswitchinterval() == short
        assert sys.getswitchinterval() == short < usual / 5
    assert sys.getswitchinterval() == usual


def test_work_that_fails_gives_the_usual_turns_back() -> None:
    usual = sys.getswitchinterval()
    with pytest.raises(RuntimeError), short_turns():
        raise RuntimeError
    assert sys.getswitchinterval() == usual


def test_what_ends_first_leaves_the_others_theirs() -> None:
    usual = sys.getswitchinterval()
    begun, end = threading.Event(), threading.Event()

    @short_turns()
    def work() -> None:
        begun.set()
        end.wait(10)

    thread = threading.Thread(target=work)
    with short_turns():
        thread.start()
        assert begun.wait(10)
    assert sys.getswitchinterval() < usual
    end.set()
    thread.join()
    assert sys.getswitchinterval() == usual


def test_locking_and_clearing_leave_turns_to_the_threads_that_send(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []
    monkeypatch.setattr(maturing, "mature", lambda _: seen.append(sys.getswitchinterval()))
    of_actions.mature()
    assert seen[0] < sys.getswitchinterval()
