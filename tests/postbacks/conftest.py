"""What tests of the delivery of postbacks share: the engine and what is around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import IPv4Network

import pytest
from psycopg2 import extensions
from pytest_django import Settings

from actions.models import ActionEvent
from postbacks.delivery import result_sql
from postbacks.delivery.outcomes import Judged
from postbacks.delivery.process import Engine
from tests.support.delivery_rows import OWNER, engine_connection
from tests.support.factories import make_tracker, record_action
from tests.support.receiver import ScriptedReceiver
from tests.support.workers import running_workers


@pytest.fixture
def loopback_is_allowed(settings: Settings) -> None:
    """Receivers run on this machine, which the guard against internal addresses would refuse."""
    settings.POSTBACKS_ALLOWED_NETWORKS = [IPv4Network("127.0.0.0/8")]


@pytest.fixture
def event(db: None) -> ActionEvent:
    """The first of an action that no postback hears of."""
    return record_action(make_tracker())


@pytest.fixture
def connection(db: None) -> Iterator[extensions.connection]:
    """As the engine connects."""
    with engine_connection() as connection:
        yield connection


@pytest.fixture
def write(connection: extensions.connection) -> Callable[..., None]:
    """Writes results as the engine's recorder does."""

    def write(*batch: Judged, owner: int = OWNER) -> None:
        result_sql.write(connection, owner, batch)
        assert connection.get_transaction_status() == extensions.TRANSACTION_STATUS_IDLE

    return write


@pytest.fixture
def engine(db: None) -> Iterator[Engine]:
    engine = Engine()
    yield engine
    engine.stop()


@pytest.fixture
def receiver() -> Iterator[ScriptedReceiver]:
    with ScriptedReceiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def workers(django_db_setup: None) -> Iterator[None]:
    """Celery's worker and beat; one start for the tests of a module."""
    with running_workers():
        yield
