"""A deployment in the midst of traffic: the database is migrated, new programs start, the old ones are told to stop.

First with this code alone, and columns that it does not know. Then with the release before, in every pairing of its
programs with those of this code, which also is the way back. Meanwhile attempts move into partitions, and back.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import requests
from django.apps import apps
from django.db import connection, models
from django.db.migrations import AddField
from django.db.migrations.state import ProjectState

from actions.models import Action, ActionEvent
from partners.models import ActionTracker
from postbacks.models import Attempt, Delivery
from tests.support.factories import make_media_source, make_postback, make_tracker, record_action
from tests.support.patience import wait_until
from tests.support.receiver import Arrival, ScriptedReceiver
from tests.support.releases import Release, Servers, two_releases
from tests.support.workers import running_workers, start_worker

FEW, PER_SECOND = 80, 1000
STANDSTILL_SECONDS = 10.0  # Some tenths on a machine that has nothing else to do.
CHANGED: tuple[type[models.Model], ...] = (Action, ActionEvent, Delivery, Attempt)


class Reporter(threading.Thread):
    """Records an action every 20 ms, and notes how long each took."""

    def __init__(self, tracker: ActionTracker) -> None:
        super().__init__()
        self._tracker = tracker
        self._enough = threading.Event()
        self.seconds: list[float] = []

    def run(self) -> None:
        while not self._enough.wait(0.02):
            began = time.monotonic()
            record_action(self._tracker)
            self.seconds.append(time.monotonic() - began)
        connection.close()

    def stop(self) -> None:
        self._enough.set()
        self.join()


@contextmanager
def migrated() -> Iterator[None]:
    """Columns that the old programs know nothing of: one may be empty, one has a default in the database."""
    fields: dict[str, models.Field[Any, Any]] = {
        "of_next_note": models.TextField(null=True),
        "of_next_level": models.IntegerField(db_default=7),
    }
    before = ProjectState.from_apps(apps)
    try:
        for model in CHANGED:
            for name, field in fields.items():
                step = AddField(str(model._meta.model_name), name, field.clone())
                after = before.clone()
                step.state_forwards(model._meta.app_label, after)
                with connection.schema_editor() as editor:
                    step.database_forwards(model._meta.app_label, editor, before, after)
                before = after
        yield
    finally:
        with connection.cursor() as cursor:
            for model in CHANGED:
                for name in fields:
                    cursor.execute(f"ALTER TABLE {model._meta.db_table} DROP COLUMN IF EXISTS {name}")


@pytest.mark.django_db(transaction=True)
def test_deliveries_go_out_while_everything_is_replaced() -> None:
    tracker = make_tracker()
    with ScriptedReceiver() as receiver, running_workers() as old:
        url = receiver.url + "/in?delivery={DeliveryId}"
        for limit in (None, PER_SECOND):
            make_postback(tracker, make_media_source(), url=url, maximum_requests=limit)
        reporter = Reporter(tracker)
        reporter.start()
        try:
            receiver.wait_for(FEW, timeout=20)
            with migrated(), start_worker("new"):
                old.stop()
                receiver.wait_for(len(receiver.arrivals) + FEW, timeout=20)
                reporter.stop()
                wait_until(lambda: not Delivery.objects.exclude(state="delivered").exists(), 20, "all are delivered")
        finally:
            reporter.stop()
        arrivals = receiver.arrivals

    arrived = Counter(arrival.query["delivery"] for arrival in arrivals)
    assert arrived == dict.fromkeys((delivery.sent_as for delivery in Delivery.objects.all()), 1), "each once"
    assert len(arrived) == 2 * len(reporter.seconds)
    assert max(later.t - earlier.t for earlier, later in pairwise(arrivals)) < STANDSTILL_SECONDS
    assert max(reporter.seconds) < STANDSTILL_SECONDS


AMOUNTS = ("10.00", "20.00", "30.00")  # Of an order when it is reported, and after each of two changes.
SET_UP = """
programs:
  - {{id: 100, name: Lighthouse, currency: USD, action_trackers: [{{id: 101, name: Order}}]}}
media_sources:
  - id: 110
    name: Beacon
    type: Analytics
    postbacks:
      - {{name: at once, action_tracker: 101, url: "{url}/in?lane=1&order={{Oid}}&amount={{Amount}}"}}
      - {{name: limited, action_tracker: 101, maximum_requests: 500,
         url: "{url}/in?lane=2&order={{Oid}}&amount={{Amount}}"}}
      - {{name: large, action_tracker: 101, url: "{url}/in?lane=3&order={{Oid}}&amount={{Amount}}"}}
"""
# Once both are there, another postback asks its receiver as the old programs cannot.
GUARDED = """\
      - {{name: guarded, action_tracker: 101, url: "{url}/in?lane=4&order={{Oid}}&amount={{Amount}}",
         authentication: basic, basic_user: shop, basic_password: pass}}
"""
UNFINISHED = "SELECT FROM postbacks_delivery WHERE state <> 'delivered' UNION ALL SELECT FROM postbacks_putaside"
# While the old web still records, the last postback gets a condition, which the old programs do not know.
CONDITION = """
UPDATE postbacks_postback SET conditions = '[{"parameter": "Amount", "operator": "at least", "values": ["20"]}]'
WHERE name = 'large'
"""


class Shop(threading.Thread):
    """Reports orders over HTTP and changes each of them twice; each report goes to the next of `webs`."""

    def __init__(self, sid: str, token: str, web: str) -> None:
        super().__init__()
        self._sid = sid
        self._session = requests.Session()
        self._session.auth = (sid, token)
        self._session.headers["Accept"] = "application/json"
        self._webs = [web]
        self._reporting = threading.Lock()
        self._enough = threading.Event()
        self._reports = 0
        self.orders: list[str] = []
        self.refused: list[str] = []

    def report_to(self, *webs: str) -> None:
        """From the next report on; none is under way to another when this returns."""
        with self._reporting:
            self._webs = list(webs)

    def run(self) -> None:
        while not self._enough.wait(0.02):
            order = f"ORDER-{len(self.orders)}"
            self.orders.append(order)
            new = {"CampaignId": "100", "EventDate": "2026-11-20", "Amount": AMOUNTS[0]}
            self._report("POST", "Conversions", OrderId=order, ActionTrackerId="101", **new)
            for amount in AMOUNTS[1:]:
                self._report("PUT", "Actions", OrderId=order, ActionTrackerId="101", Amount=amount)

    def stop(self) -> None:
        self._enough.set()
        if self.is_alive():
            self.join()

    def _report(self, method: str, what: str, **fields: str) -> None:
        with self._reporting:
            self._reports += 1
            web = self._webs[self._reports % len(self._webs)]
            try:
                answer = self._session.request(method, f"{web}/Advertisers/{self._sid}/{what}", data=fields, timeout=30)
            except requests.RequestException as error:
                self.refused.append(f"{web}: {error}")
                return
        if answer.json().get("Status") != "QUEUED":
            self.refused.append(f"{web}: {answer.text}")


def load(release: Release, folder: Path, configuration: str) -> None:
    (folder / "config.yaml").write_text(configuration)
    release.manage("load_config", str(folder / "config.yaml"))


def upgrade(release: Release, servers: Servers, folder: Path, url: str) -> None:
    """The database, and what is set up in it, before any program of the release runs."""
    release.manage("migrate", "--noinput")
    for model in CHANGED:  # And the migration after it.
        servers.change(f"ALTER TABLE {model._meta.db_table} ADD COLUMN of_next_note text")
    load(release, folder, (SET_UP + GUARDED).format(url=url))
    servers.change(CONDITION)


def unguarded(arrivals: list[Arrival]) -> list[Arrival]:
    """All but those of the guarded postback, each of which has its credentials."""
    guarded = [each for each in arrivals if each.query["lane"] == "4"]
    assert len(guarded) > FEW
    assert {each.headers.get("Authorization") for each in guarded} == {"Basic c2hvcDpwYXNz"}
    return [each for each in arrivals if each.query["lane"] != "4"]


@pytest.mark.django_db(transaction=True)  # For the server of the tests; the releases have databases of their own on it.
@pytest.mark.timeout(600)  # A dozen programs start one after the other, on a machine that may be busy.
def test_the_release_before_works_beside_this_one(tmp_path: Path) -> None:
    with two_releases() as (old, new, servers), ScriptedReceiver() as receiver:
        old.manage("migrate", "--noinput")
        old.manage("partition_tables", "--back")  # As installations are that never had it.
        load(old, tmp_path, SET_UP.format(url=receiver.url))
        sid, token = old.manage("create_api_token", "shop").split()[1::2]
        old_web, old_address = old.web()
        old_worker, old_beat = old.worker(), old.beat()
        shop = Shop(sid, token, old_address)

        def some_more_arrive() -> None:
            receiver.wait_for(len(receiver.arrivals) + FEW, timeout=60)

        shop.start()
        try:
            some_more_arrive()

            upgrade(new, servers, tmp_path, receiver.url)
            before = len(shop.orders)  # The last of these may be under way.
            some_more_arrive()
            assert '"changed": true' in new.manage("partition_tables", "--json")
            some_more_arrive()  # The old programs go on with a table that has become another.

            new_worker = new.worker()
            new_worker.wait_for(" ready.")
            some_more_arrive()
            old_worker.stop()
            some_more_arrive()  # The old web reports, the new worker sends.

            _, new_address = new.web()
            old_worker = old.worker()
            old_worker.wait_for(" ready.")
            shop.report_to(old_address, new_address)
            some_more_arrive()  # All of both, and changes that one web takes of orders that the other has taken.

            assert '"changed": true' in new.manage("partition_tables", "--back", "--json")
            shop.report_to(new_address)
            old_web.stop()
            new_worker.stop()
            some_more_arrive()  # The new web reports, the old worker sends.

            new.worker().wait_for(" ready.")
            old_worker.stop()
            old_beat.stop()
            new.beat()
            some_more_arrive()
        finally:
            shop.stop()
        wait_until(lambda: servers.ask(UNFINISHED) == [], 60, "all are judged and delivered")
        arrivals = unguarded(receiver.arrivals)

    assert shop.refused == []
    told: dict[tuple[str, str], list[str]] = {}
    for arrival in arrivals:
        told.setdefault((arrival.query["lane"], arrival.query["order"]), []).append(arrival.query["amount"])
    conditional = {order: told.pop(("3", order)) for order in shop.orders}
    assert told == {(lane, order): list(AMOUNTS) for lane in "12" for order in shop.orders}, "each once, in order"
    later = shop.orders[before:]
    assert [conditional[order] for order in later] == [list(AMOUNTS[1:])] * len(later), "10.00 is too little"
