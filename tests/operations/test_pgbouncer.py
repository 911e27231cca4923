"""Everything behind PgBouncer in transaction mode: web, import, replay, workers that are killed, sweep, pruning."""

from __future__ import annotations

import json
import signal
from collections import Counter, defaultdict
from pathlib import Path

import pytest
import requests
from django.conf import LazySettings

from actions.api.tokens import create_token
from actions.models import Action
from environment.addresses import LOCALHOST
from postbacks import database
from postbacks.models import Attempt, Delivery, Replay
from tests.operations.test_doctor import doctor
from tests.support.factories import make_partner, make_postback, make_term, make_tracker, report_fields
from tests.support.patience import wait_until
from tests.support.pgbouncer import SERVER_CONNECTIONS, running_pgbouncer
from tests.support.receiver import ScriptedReceiver
from tests.support.web import running_web
from tests.support.workers import manage, running_workers

pytestmark = pytest.mark.django_db(transaction=True)

BY_WEB, BY_FILE = 20, 150


def test_all_of_it_works_through_a_pooler(tmp_path: Path) -> None:
    tracker, partner = make_tracker(), make_partner()
    make_term(tracker, partner)
    token, text = create_token("shop")
    file = tmp_path / "actions.jsonl"
    reports = [report_fields(tracker, partner, OrderId=f"F-{number}") for number in range(BY_FILE)]
    changes = [{"Event": "reversed", "ActionTrackerId": tracker.pk, "OrderId": r["OrderId"]} for r in reports[::3]]
    file.write_text("\n".join(json.dumps(each) for each in [*reports, *changes]))

    with (
        running_pgbouncer() as pgbouncer,
        ScriptedReceiver() as receiver,
        running_web("--processes", "1", variables=pgbouncer.variables) as web,
        running_workers(variables=pgbouncer.variables) as worker,
    ):
        for lane in (1, 2):
            url = f"{receiver.url}/in?lane={lane}&action={{ActionId}}&event={{ActionEvent}}&delivery={{DeliveryId}}"
            make_postback(tracker, partner, url=url)
        for number in range(BY_WEB):
            answer = requests.post(
                f"{web.url}/Advertisers/{token.account_sid}/Conversions",
                json=report_fields(tracker, partner, OrderId=f"W-{number}"),
                auth=(token.account_sid, text),
                timeout=10,
            )
            assert answer.status_code == 200
        worker.children()[0].send_signal(signal.SIGKILL)
        manage(pgbouncer.variables, "import_actions", str(file))
        unfinished = Delivery.objects.exclude(state="delivered")
        wait_until(lambda: not unfinished.exists(), 30, "all are delivered")
        live = (BY_WEB + BY_FILE + len(changes)) * 2
        assert Delivery.objects.count() == live

        manage(pgbouncer.variables, "replay_actions", "--yes", "--order-id", "W-1", "--order-id", "W-2")
        wait_until(lambda: Replay.objects.get().state == "finished" and not unfinished.exists(), 30, "it is replayed")
        manage(pgbouncer.variables, "prune", "--dry-run")
        names = {str(each["application_name"]) for each in pgbouncer.show("CLIENTS")}
        servers = [each for each in pgbouncer.show("SERVERS") if each["database"] != "pgbouncer"]
        log = worker.log.read_text()

    assert Action.objects.count() == BY_WEB + BY_FILE
    assert Attempt.objects.count() == Delivery.objects.count() == live + 4
    heard: defaultdict[tuple[str, str], dict[str, str]] = defaultdict(dict)  # By lane and action, in order.
    for arrival in receiver.arrivals:
        heard[arrival.query["lane"], arrival.query["action"]].setdefault(
            arrival.query["event"], arrival.query["delivery"]
        )
    assert Counter(tuple(events) for events in heard.values()) == {
        ("created",): (BY_WEB + BY_FILE - len(changes)) * 2,
        ("created", "reversed"): len(changes) * 2,
    }
    assert {arrival.query["delivery"] for arrival in receiver.arrivals} == {
        delivery for events in heard.values() for delivery in events.values()
    }, "replays carry the id that the receiver knows"
    assert len(servers) <= SERVER_CONNECTIONS
    assert not any(name.startswith("postbacks") for name in names), "workers' own connections are direct"
    assert [line for line in log.splitlines() if "psycopg2" in line or "pooler" in line] == []


@pytest.mark.parametrize("ignored", ["extra_float_digits", "options"])
def test_the_engine_refuses_to_work_through_a_pooler(settings: LazySettings, ignored: str) -> None:
    with running_pgbouncer(ignored=ignored) as pgbouncer:
        settings.DATABASE_DIRECT = {"HOST": LOCALHOST, "PORT": pgbouncer.port, "USER": "postgres"}
        with pytest.raises(database.PooledError, match="Set DATABASE_DIRECT_URL to the PostgreSQL server behind"):
            database.connect("test")
        settings.DATABASE_DIRECT = None
        database.connect("test").close()


def test_the_doctor_knows_a_pooler() -> None:
    with running_pgbouncer() as pgbouncer:
        _, findings = doctor(DATABASE_URL=pgbouncer.url)
    assert any("Set DATABASE_DIRECT_URL to PostgreSQL itself" in finding for finding in findings), findings
