"""PostgreSQL or Redis goes away and comes back: the web says so in the API's shape, and recovers by itself."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import requests
from django.conf import settings
from django.db import connection

from actions.api.tokens import create_token
from actions.models import Action, QueuedReport
from environment.addresses import LOCALHOST
from tests.support.factories import make_tracker, report_fields
from tests.support.gate import Address, Gate, gate_before
from tests.support.patience import wait_until
from tests.support.web import Web, running_web

pytestmark = pytest.mark.django_db(transaction=True)


def postgres() -> Address:
    given = connection.settings_dict
    host, port = str(given["HOST"] or "/var/run/postgresql"), int(given["PORT"] or 5432)
    return f"{host}/.s.PGSQL.{port}" if host.startswith("/") else (host, port)


def redis() -> Address:
    url = urlsplit(settings.REDIS_URL)
    return url.path if url.scheme == "unix" else (url.hostname or LOCALHOST, url.port or 6379)


class Shop:
    """Reports new orders, and reads; also a report that goes by Django's way."""

    def __init__(self, web: Web) -> None:
        self.tracker = make_tracker()
        token, text = create_token("shop")
        self.auth = (token.account_sid, text)
        self.url = f"{web.url}/Advertisers/{token.account_sid}"

    def report(self, **headers: str) -> requests.Response:
        fields = report_fields(self.tracker)
        headers = {"Accept": "application/json", **headers}
        return requests.post(f"{self.url}/Conversions", data=fields, auth=self.auth, headers=headers, timeout=60)

    def read(self) -> requests.Response:
        address, headers = f"{self.url}/Actions", {"Accept": "application/json"}
        return requests.get(address, auth=self.auth, headers=headers, timeout=60)

    def all_ways(self) -> list[requests.Response]:
        return [self.report(), self.report(Cookie="a=b"), self.read()]


@pytest.fixture
def database_gate() -> Iterator[Gate]:
    with gate_before(postgres()) as gate:
        yield gate


def test_a_database_that_goes_away_is_told_and_found_again(database_gate: Gate) -> None:
    given = connection.settings_dict
    user = f"{given['USER']}:{given['PASSWORD']}" if given["PASSWORD"] else given["USER"]
    url = f"postgres://{user}@{LOCALHOST}:{database_gate.port}/{given['NAME']}?sslmode=disable"
    with running_web("--processes", "1", variables={"DATABASE_URL": url}) as web:
        shop = Shop(web)
        for _ in range(2):  # And once more, with connections that were made meanwhile.
            assert [each.status_code for each in shop.all_ways()] == [200] * 3
            database_gate.shut()
            for answer in shop.all_ways() + shop.all_ways():
                assert (answer.status_code, answer.json()["Status"]) == (503, "ERROR"), answer.text
                assert int(answer.headers["Retry-After"]) > 0
            assert web.answers()
            database_gate.open()
            assert [each.status_code for each in shop.all_ways()] == [200] * 3
        wait_until(lambda: not QueuedReport.objects.exists(), 20, "all are recorded")
    assert Action.objects.count() == 8, "those that were answered with 200"


def test_what_was_answered_before_the_database_went_away_is_recorded_once_it_is_back(database_gate: Gate) -> None:
    given = connection.settings_dict
    user = f"{given['USER']}:{given['PASSWORD']}" if given["PASSWORD"] else given["USER"]
    url = f"postgres://{user}@{LOCALHOST}:{database_gate.port}/{given['NAME']}?sslmode=disable"
    with running_web("--processes", "1", variables={"DATABASE_URL": url}) as web:
        shop = Shop(web)
        for _ in range(2):
            assert [each.status_code for each in shop.all_ways()] == [200] * 3
            database_gate.shut()
            database_gate.open()
        wait_until(lambda: Action.objects.count() == 4 and not QueuedReport.objects.exists(), 20, "all are recorded")


def test_redis_may_be_away(empty_redis: object) -> None:
    with gate_before(redis()) as gate:
        url = f"redis://{LOCALHOST}:{gate.port}/0"
        with running_web("--processes", "1", variables={"REDIS_URL": url}) as web:
            shop = Shop(web)
            for shut in (False, True, False):
                if shut:
                    gate.shut()
                elif not web.answers():
                    raise AssertionError
                assert [each.status_code for each in shop.all_ways()] == [200] * 3
                if shut:
                    gate.open()
            wait_until(lambda: Action.objects.count() == 6, 20, "all are recorded")
