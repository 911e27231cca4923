"""Real servers for the tests that use them, the kind of each test, and the rows that most tests begin with.

The servers are the embedded ones, in a data folder of their own, unless URLs name others.
"""

import gc
import signal
from collections.abc import Iterator
from contextlib import ExitStack, nullcontext

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoDbBlocker

from devtools import embedded
from partners.models import ActionTracker, Partner
from postbacks.delivery.redis import client as redis
from postbacks.models import Postback
from tests.support import emptying, factories, made_once
from tests.support.delivery_rows import make_lane
from tests.support.factories import make_partner, make_postback, make_program, make_term, make_tracker
from tests.support.kinds import KINDS, Guard, costliest_first, kind_of

GUARD = Guard()


def pytest_configure(config: pytest.Config) -> None:
    for kind, meaning in KINDS.items():
        config.addinivalue_line("markers", f"{kind}: {meaning}")
    emptying.install()
    # A shell's job in the background ignores Ctrl-C, and so would all that it starts, to which some tests send it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    settings.DATABASE_DIRECT = None  # It would lead to another database than the tests'.


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    # What is imported and collected stays to the end: looking for garbage in it took up to a third of the time. Tests
    # leave little, and need it looked for less often than each 700 objects.
    gc.disable()
    try:
        with made_once.compiled():
            return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(10_000)
        gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    for item in items:
        if item.get_closest_marker("worker") is None:
            item.add_marker(kind_of(item))
    yield  # `-m` selects by the marks, and pytest-django sorts.
    items.sort(key=costliest_first(items))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    with GUARD.running(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    with GUARD.running(item):
        return (yield)


@pytest.fixture(scope="session")
def embedded_services(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """PostgreSQL and Redis, from the first test that needs them to the end of the run."""
    with ExitStack() as started:
        with GUARD.serving():
            with django_db_blocker.unblock():
                made_once.prepare()
            started.enter_context(embedded.services())
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(embedded_services: None, django_db_modify_db_settings_parallel_suffix: None) -> None:
    """The test database is made on our server."""


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """The test database, as migrations leave it."""
    with django_db_blocker.unblock():
        emptying.note()


@pytest.fixture
def empty_redis(embedded_services: None) -> None:
    """Nothing of an earlier test is in Redis."""
    redis.flushdb()


@pytest.fixture
def history(monkeypatch: pytest.MonkeyPatch) -> None:
    """The log of changes has the rows that the factories make, as if a user had made them."""
    monkeypatch.setattr(factories, "disable_auditlog", nullcontext)


@pytest.fixture
def tracker(db: None) -> ActionTracker:
    """The event type Online Sale of the program Summit."""
    return make_tracker(make_program(name="Summit"), name="Online Sale")


@pytest.fixture
def partner(tracker: ActionTracker) -> Partner:
    """Compass, which gets 8 % of an online sale."""
    partner = make_partner(name="Compass")
    make_term(tracker, partner)
    return partner


@pytest.fixture
def postback(tracker: ActionTracker, partner: Partner) -> Postback:
    """Sales: Compass hears of online sales."""
    return make_postback(tracker, partner, name="Sales", url="https://compass.example/in?id={ActionId}")


@pytest.fixture
def lane(db: None) -> Postback:
    """A network's postback for an event type of its own, for tests that care about neither."""
    return make_lane()


@pytest.fixture
def root(client: Client, db: None) -> Client:
    """A superuser's."""
    client.force_login(User.objects.create_superuser("administrator"))
    return client
