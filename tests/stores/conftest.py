"""One replica for all tests here, made when the first one needs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from postbacks.delivery.redis import client as redis
from stores import patience
from stores.replica import watch as watching
from stores.replica.watch import Watch, watch
from tests.conftest import GUARD
from tests.support.replica import Replica, known_to_django, running_replica


@pytest.fixture(scope="session")
def streaming_replica(django_db_setup: None) -> Iterator[Replica]:
    context = running_replica()
    with GUARD.serving():
        replica = context.__enter__()
    yield replica
    context.__exit__(None, None, None)


@pytest.fixture
def replica(
    streaming_replica: Replica,
    transactional_db: None,
    empty_redis: None,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Replica]:
    """The web's settings with a replica that has all that is committed. It is looked at where a test says so."""
    monkeypatch.setattr(Watch, "_begin", lambda _: None)
    monkeypatch.setattr(watching, "FRESH_SECONDS", float("inf"))
    monkeypatch.setattr(patience, "_redis", redis)  # It is given time on a busy machine.
    monkeypatch.setattr(patience, "_asked_again_at", 0.0)
    watch.__init__()  # type: ignore[misc]  # As in a new process.
    with known_to_django(streaming_replica):
        settings.DATABASE_ROUTERS = ["stores.replica.router.Router"]
        at = settings.MIDDLEWARE.index("whitenoise.middleware.WhiteNoiseMiddleware")
        settings.MIDDLEWARE = [*settings.MIDDLEWARE[:at], "config.replica.Replica", *settings.MIDDLEWARE[at:]]
        streaming_replica.catch_up()
        yield streaming_replica
        watch.close()


@pytest.fixture
def caught_up(replica: Replica) -> Callable[[], None]:
    """Waits until the replica has all, lets the marks of writers be old, and looks."""

    def wait() -> None:
        replica.catch_up()
        watch._paused_until = 0.0
        watch.look()
        assert watch.trouble == ""

    return wait
