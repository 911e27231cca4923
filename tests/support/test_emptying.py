"""After a test that commits, the database is as a flush leaves it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import TransactionTestCase

from partners.models import Program
from postbacks.models import Delivery
from tests.support.delivery_rows import engine_connection, make_delivery, make_lane
from tests.support.emptying import empty
from tests.support.patience import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
WAITING = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.fixture
def end_test() -> Callable[[], None]:
    """Does what is done after a test, after one test at least."""
    empty(TransactionTestCase())
    return lambda: empty(TransactionTestCase())


def test_rows_go_and_what_migrations_make_stays(end_test: Callable[[], None]) -> None:
    before = [*Permission.objects.order_by("pk"), *Group.objects.order_by("pk")]
    make_delivery(make_lane())
    end_test()
    assert not Delivery.objects.exists()
    assert not Program.objects.exists()
    assert [*Permission.objects.order_by("pk"), *Group.objects.order_by("pk")] == before


def test_a_role_that_a_test_has_changed_is_put_right(end_test: Callable[[], None]) -> None:
    roles = {group.name: group.permissions.count() for group in Group.objects.all()}
    Group.objects.all()[0].delete()
    Group.objects.all()[0].permissions.clear()
    end_test()
    assert {group.name: group.permissions.count() for group in Group.objects.all()} == roles


def test_what_a_worker_is_about_to_commit_goes_too(end_test: Callable[[], None]) -> None:
    with engine_connection() as worker, engine_connection() as onlooker, ThreadPoolExecutor() as threads:
        writing, looking = worker.cursor(), onlooker.cursor()
        writing.execute("BEGIN")
        writing.execute("INSERT INTO partners_program (name, currency) VALUES ('Summit', 'USD')")

        def somebody_waits() -> bool:
            looking.execute(WAITING)
            return looking.fetchone() is not None

        def commit_late() -> None:
            wait_until(somebody_waits, 10, "the tables are waited for")
            writing.execute("COMMIT")

        committed = threads.submit(commit_late)
        end_test()
        committed.result()
    assert not Program.objects.exists()
