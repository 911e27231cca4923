"""The kinds of test, and what each may touch.

    unit     computes: starts no server and no program
    db       uses PostgreSQL or Redis
    worker   starts programs: Celery, a web server, a command
    browser  drives Chromium

The kind follows from what a test uses, so nobody has to write it down. What a look at the test cannot tell, because
code of the project does it, the guard sees as it happens: it fails the test.
"""

from __future__ import annotations

import inspect
import multiprocessing
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from types import CodeType, ModuleType
from typing import Any

import psycopg2
import pytest
from redis.connection import AbstractConnection

KINDS = {
    "unit": "computes: starts no server and no program",
    "db": "uses PostgreSQL or Redis",
    "worker": "starts programs: Celery, a web server, a command",
    "browser": "drives Chromium",
}
SERVERS = "embedded_services"  # Fixtures that need PostgreSQL or Redis ask for this one.
_START_PROGRAMS: set[object] = {subprocess, multiprocessing}
_AUDITED = {"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.exec"}


def kind_marked(item: pytest.Item) -> str:
    """Return the kind that a collected test bears."""
    return next(kind for kind in KINDS if item.get_closest_marker(kind))


def costliest_first(items: Iterable[pytest.Item]) -> Callable[[pytest.Item], tuple[int, str]]:
    """Return a key that sorts tests so that files of minutes do not begin when another process has nothing left to do.

    The files with the most worker tests come first, each as a whole; all others stay in their order.
    """
    workers = Counter(item.path for item in items if kind_marked(item) == "worker")
    return lambda item: (-workers[item.path], str(item.path) if workers[item.path] else "")


def kind_of(item: pytest.Item) -> str:
    """Return the kind of a collected test: that of the costliest thing it uses, itself or by its fixtures."""
    fixtures = set(getattr(item, "fixturenames", ()))
    if "browser" in fixtures or item.path.parent.name == "browser":
        return "browser"
    if any(map(_reaches_programs, _functions_of(item))):
        return "worker"
    if SERVERS in fixtures or item.get_closest_marker("django_db"):
        return "db"
    return "unit"


def _functions_of(item: pytest.Item) -> Iterator[object]:
    """The test, the other methods of its class, and its fixtures."""
    yield getattr(item, "obj", None)
    yield getattr(item, "cls", None)
    for definitions in item._fixtureinfo.name2fixturedefs.values():  # type: ignore[attr-defined] # of functions; we have no other items
        yield definitions[-1].func


_known: dict[int, tuple[object, bool]] = {}  # By identity, which lasts as long as what it is kept with.


def _reaches_programs(start: object) -> bool:
    """Remember it: most tests share most fixtures."""
    if id(start) not in _known:
        _known[id(start)] = (start, _finds_programs(start))
    return _known[id(start)][1]


def _finds_programs(start: object) -> bool:
    """Tell whether `start` uses what starts programs, directly or by way of other code of the tests."""
    seen: set[int] = set()
    left = [start]
    while left:
        thing = left.pop()
        if isinstance(thing, ModuleType):
            if thing in _START_PROGRAMS:
                return True
        elif id(thing) not in seen:
            seen.add(id(thing))
            left += _used_by(thing)
    return False


def _used_by(thing: object) -> list[object]:
    """What the code of a function names, or what a class of the tests consists of."""
    if isinstance(thing, cached_property):
        thing = thing.func
    thing = getattr(thing, "fget", None) or getattr(thing, "__func__", None) or thing  # a property, a method
    if not getattr(thing, "__module__", "").startswith("tests."):
        return []
    if inspect.isclass(thing):
        return [*vars(thing).values(), *thing.__bases__]
    function = inspect.unwrap(thing) if callable(thing) else thing
    if not inspect.isfunction(function):
        return []
    names = set(_names(function.__code__))
    used = [function.__globals__[name] for name in names if name in function.__globals__]
    modules = [each for each in used if isinstance(each, ModuleType) and each.__name__.startswith("tests.")]
    return used + [getattr(module, name) for module in modules for name in names if hasattr(module, name)]


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):  # a function or comprehension inside
            yield from _names(constant)


class Guard:
    """Fails a test where it touches what its kind may not, however that is caught: the failure is no Exception."""

    def __init__(self) -> None:
        self._kind = ""
        sys.addaudithook(self._audit)
        psycopg2._connect = self._for_units_refused(psycopg2._connect, "PostgreSQL")  # type: ignore[attr-defined] # all connections pass here
        AbstractConnection.connect = self._for_units_refused(AbstractConnection.connect, "Redis")  # type: ignore[method-assign]

    @contextmanager
    def running(self, item: pytest.Item) -> Iterator[None]:
        """Watches the set-up or the call of a test. Tearing down is free: the last test's ends servers of the run."""
        self._kind = kind_marked(item)
        try:
            yield
        finally:
            self._kind = ""

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Servers for the whole run are started while the first test that needs them is set up."""
        before, self._kind = self._kind, ""
        assert before != "unit", "A unit test starts PostgreSQL and Redis."
        try:
            yield
        finally:
            self._kind = before

    def _audit(self, event: str, _: object) -> None:
        if event in _AUDITED and self._kind in {"unit", "db"}:
            pytest.fail(
                f"This test starts a program, but its kind is {self._kind}. Tests that leave this to code of the "
                "project say so: @pytest.mark.worker."
            )

    def _for_units_refused(self, connect: Callable[..., Any], server: str) -> Callable[..., Any]:
        def refuse_or_connect(*arguments: Any, **named: Any) -> Any:
            if self._kind == "unit":
                pytest.fail(
                    f"This test connects to {server}, but its kind is unit. A test that needs PostgreSQL has "
                    "@pytest.mark.django_db, one that needs Redis uses the fixture empty_redis."
                )
            return connect(*arguments, **named)

        return refuse_or_connect
