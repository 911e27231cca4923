"""The project's Celery app, whose workers note when each delivery gets how far: `--app benchmarks.programs.traced`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

import django

django.setup()

# ruff: noqa: E402 -- the apps must be ready
from benchmarks.programs.notes import note
from config.celery import app
from postbacks.delivery import claim
from postbacks.delivery.drain import Drain
from postbacks.delivery.process import Engine
from postbacks.delivery.sender import Sender

__all__ = ["app"]

_round = threading.local()


def _replace(
    place: Any,
    name: str,
    before: Callable[[tuple[Any, ...]], None] = lambda _arguments: None,
    after: Callable[[Any], None] = lambda _result: None,
) -> None:
    """Calls `before` with the arguments, and `after` with the result, of each call of the function of this name."""
    original = getattr(place, name)

    @wraps(original)
    def noted(*arguments: Any, **named: Any) -> Any:
        before(arguments)
        result = original(*arguments, **named)
        after(result)
        return result

    setattr(place, name, noted)


def _begins(_arguments: tuple[Any, ...]) -> None:
    _round.began = time.time()


def _claimed(taken: Any) -> None:
    ids = [one.delivery_id for one in taken.claimed]
    note("woken", ids, getattr(_round, "began", None))
    note("claimed", ids)


def _built(arguments: tuple[Any, ...]) -> None:
    note("built", [prepared.claimed.delivery_id for prepared in arguments[1]])


def _answered(arguments: tuple[Any, ...]) -> None:
    note("answered", [arguments[1].prepared.claimed.delivery_id])


_replace(Drain, "_round", before=_begins)
_replace(claim, "claim", after=_claimed)
_replace(Sender, "put", before=_built)
_replace(Engine, "_on_sent", before=_answered)
