"""Reads what comes next while what came before is recorded: for most of that time, Python waits for PostgreSQL."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from itertools import islice
from typing import TypeVar

Thing = TypeVar("Thing")


def read_ahead(things: Iterator[Thing]) -> Generator[Thing]:
    """The same things; from the second on, each is made on a thread of its own, while its predecessor is in use.

    Not more than one is ahead. To make them must not ask the database: that thread would have its own connection. Who
    stops before the end closes this.

    Raises:
        Exception: whatever `things` raises, in the place of the thing that it did not make.
    """
    yield from islice(things, 1)
    with ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as thread:
        context = copy_context()

        def following() -> list[Thing]:
            return list(islice(things, 1))

        coming = thread.submit(context.run, following)
        while thing := coming.result():
            coming = thread.submit(context.run, following)
            yield from thing
