"""What the database may spend on a request: on pages, on reports, while answers are sent, and behind a pooler."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from django.contrib.auth.models import User
from django.db import DataError, OperationalError, connection, transaction
from django.db.models.expressions import RawSQL
from django.http import HttpResponse, StreamingHttpResponse
from django.test import RequestFactory
from psycopg2.errors import LockNotAvailable, QueryCanceled

from actions.models import Action
from config.database_time import Limit, database_time, limit_of
from partners.models import ActionTracker
from tests.front.test_front import Shop
from tests.support.factories import make_media_source, make_postback, make_tracker
from tests.support.patience import wait_until
from tests.support.pgbouncer import running_pgbouncer
from tests.support.web import Web, running_web

pytestmark = pytest.mark.django_db(transaction=True)


def ask(statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


@contextmanager
def limited(seconds: float, *, shared: bool = False) -> Iterator[None]:
    with connection.execute_wrapper(Limit(seconds, shared).execute):
        yield


SET = "SELECT current_setting('statement_timeout'), current_setting('lock_timeout')"


def test_a_statement_carries_its_limit_and_leaves_nothing_behind() -> None:
    before = ask(SET)
    with limited(7):
        assert ask(SET) == [("7s", "3s")]
    with limited(0.5):
        assert ask(SET) == [("500ms", "500ms")]
    assert ask(SET) == before


def test_one_that_takes_longer_is_ended() -> None:
    with limited(0.1), pytest.raises(OperationalError) as error:
        ask("SELECT pg_sleep(5)")
    assert isinstance(error.value.__cause__, QueryCanceled)


def test_what_is_read_in_portions_is_limited_too() -> None:
    slow = ActionTracker.objects.annotate(long=RawSQL("(SELECT pg_sleep(5)::text)", ())).filter(long="")
    make_tracker()
    database_time(lambda _request: HttpResponse())
    with limited(0.2):
        with pytest.raises(OperationalError):
            list(slow.iterator())
        assert len(list(ActionTracker.objects.iterator())) == 1


def test_the_statements_of_a_page_share_its_time() -> None:
    with limited(0.4, shared=True):
        for _ in range(3):
            ask("SELECT pg_sleep(0.1)")
        with pytest.raises(OperationalError):
            ask("SELECT pg_sleep(5)")
    with limited(0.4):
        for _ in range(6):
            ask("SELECT pg_sleep(0.1)")


def test_a_transaction_that_failed_can_be_rolled_back_to_a_savepoint() -> None:
    with limited(0.2), transaction.atomic():
        with pytest.raises(OperationalError), transaction.atomic():
            ask("SELECT pg_sleep(5)")
        assert ask("SELECT 1") == [(1,)]


def test_a_transaction_is_told_its_limit_once_and_no_savepoint_takes_it_back() -> None:
    sent: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        sent.append(sql)
        return execute(sql, params, many, context)

    with limited(7), connection.execute_wrapper(note):
        for _ in range(2):
            with transaction.atomic():
                with pytest.raises(DataError), transaction.atomic():  # The savepoint is the first statement.
                    ask("SELECT 1 / 0")
                assert ask(SET) == [("7s", "3s")]
                assert ask(SET) == [("7s", "3s")]
        assert ask(SET) == [("7s", "3s")]
    assert sum("statement_timeout =" in sql for sql in sent) == 3
    assert ask(SET) == [("0", "0")]


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/admin/postbacks/delivery/", (5, True)),
        ("POST", "/admin/postbacks/postback/1/change/", (5, False)),
        ("POST", "/admin/actions/action/report/", (60, False)),
        ("GET", "/Advertisers/PP/Actions", (5, False)),
        ("POST", "/Advertisers/PP/Conversions", (5, False)),
        ("POST", "/Advertisers/PP/Conversions/Batch", (60, False)),
    ],
)
def test_each_address_has_its_limit(method: str, path: str, expected: tuple[float, bool]) -> None:
    limit = limit_of(method, path)
    assert (limit.seconds, limit.shared) == expected


def test_an_answer_that_is_made_while_it_is_sent_is_limited_too(settings: Any) -> None:
    settings.WEB_STATEMENT_SECONDS = 0.1

    def pieces() -> Iterator[str]:
        yield "first"
        ask("SELECT pg_sleep(5)")

    respond = database_time(lambda _request: StreamingHttpResponse(pieces()))
    response = respond(RequestFactory().get("/admin/"))
    assert isinstance(response, StreamingHttpResponse)
    sent = iter(response)
    assert next(sent) == b"first"
    with pytest.raises(OperationalError):
        next(sent)


def test_an_answer_that_asks_nothing_is_left_as_it_is() -> None:
    respond = database_time(lambda _request: HttpResponse("all"))
    assert respond(RequestFactory().get("/admin/")).getvalue() == b"all"


def test_why_a_page_is_not_there() -> None:
    from config.failures import AWAY, LOCKED, TOO_LONG, why_unavailable

    def caused_by(cause: Exception | None) -> OperationalError:
        error = OperationalError("no")
        error.__cause__ = cause
        return error

    said = [why_unavailable(caused_by(cause)) for cause in (QueryCanceled(), LockNotAvailable(), None)]
    assert said == [TOO_LONG, LOCKED, AWAY]


def sign_in(web: Web) -> requests.Session:
    User.objects.create_superuser("root", password="of the tests only")
    session = requests.Session()
    session.get(f"{web.url}/admin/login/", timeout=60)
    form = {"username": "root", "password": "of the tests only", "csrfmiddlewaretoken": session.cookies["csrftoken"]}
    answer = session.post(f"{web.url}/admin/login/?next=/admin/", data=form, timeout=60, allow_redirects=False)
    assert answer.status_code == 302, answer.text
    return session


def running() -> int:
    """How many queries of the web are reading the slow list."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"
    return int(ask(waiting)[0][0])


@contextmanager
def slow_lists() -> Iterator[None]:
    """Each row of the list of postbacks takes half a minute to read."""
    table = "postbacks_postback"
    ask_nothing(f"ALTER TABLE {table} RENAME TO kept")
    ask_nothing(f"CREATE VIEW {table} AS SELECT kept.* FROM kept, (SELECT pg_sleep(30)) AS long")  # noqa: S608 -- a constant
    try:
        yield
    finally:
        ask_nothing(f"DROP VIEW {table}")
        ask_nothing(f"ALTER TABLE kept RENAME TO {table}")


def ask_nothing(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_slow_pages_end_and_stop_neither_reports_nor_each_other() -> None:
    with running_pgbouncer() as pgbouncer:
        variables = {**pgbouncer.variables, "WEB_STATEMENT_SECONDS": "1.5"}
        with running_web("--processes", "1", variables=variables) as web:
            shop = Shop(web)
            make_postback(shop.tracker, make_media_source())
            session = sign_in(web)
            with slow_lists():
                answers: list[requests.Response] = []
                page = f"{web.url}/admin/postbacks/postback/"
                asking = threading.Thread(target=lambda: answers.append(session.get(page, timeout=60)))
                asking.start()
                wait_until(lambda: running() == 1, 30, "the page is being read")
                asking.join()
                assert [answer.status_code for answer in answers] == [503]
                assert "This takes the database too long" in answers[0].text
                wait_until(lambda: running() == 0, 10, "its query has ended")
            assert shop.report().status_code == 200
            assert session.get(page, timeout=60).status_code == 200
    assert Action.objects.count() == 1


def test_the_query_of_a_client_that_has_left_is_cancelled() -> None:
    make_postback(make_tracker(), make_media_source())  # An empty list has nothing to read.
    with running_web("--processes", "1", variables={"WEB_STATEMENT_SECONDS": "60"}) as web:
        session = sign_in(web)
        with slow_lists():
            began = time.monotonic()
            with pytest.raises(requests.Timeout):
                session.get(f"{web.url}/admin/postbacks/postback/", timeout=2)
            wait_until(lambda: running() == 0, 10, "its query has ended")
            assert time.monotonic() - began < 25
        assert "The client has left; its query is cancelled." in web.log.read_text()
        assert session.get(f"{web.url}/admin/postbacks/postback/", timeout=60).status_code == 200
