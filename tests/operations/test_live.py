"""Real workers and beat, as `/readyz`, `/metrics` and the doctor see them: working, and killed."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from operations import readiness
from operations.asking import Asker
from operations.doctor.finding import Level
from operations.doctor.workers import look_at_workers
from tests.operations.test_metrics import values
from tests.support.bulk import make_due_deliveries
from tests.support.factories import make_media_source, make_postback, make_tracker
from tests.support.patience import wait_until
from tests.support.receiver import ScriptedReceiver
from tests.support.workers import running_workers

TOKEN = "of-the-tests-and-long-enough"


def ready() -> dict[str, Any]:
    readiness.all_checks.forget()
    said: dict[str, Any] = Client().get("/readyz").json()
    return {"ready": said["ready"], "not": [name for name, check in said["checks"].items() if not check["ok"]]}


def series() -> dict[str, float]:
    return values(Client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).content.decode())


@pytest.mark.django_db(transaction=True)
def test_what_workers_do_is_seen_and_that_they_are_gone(settings: Any) -> None:
    settings.METRICS_TOKEN = TOKEN
    with ScriptedReceiver() as receiver, running_workers(concurrency=2) as worker:
        tracker = make_tracker()
        lane = make_postback(tracker, make_media_source(), url=f"{receiver.url}/in?a={{ActionId}}")
        wait_until(lambda: ready() == {"ready": True, "not": []}, 20, "all is ready")
        make_due_deliveries(tracker, [lane], 200)
        delivered = 'postbacks_deliveries_total{outcome="delivered"}'
        wait_until(lambda: series()[delivered] == 200, 20, "the deliveries are counted")
        found = series()
        assert found['postbacks_attempts_total{outcome="succeeded"}'] == 200
        assert found['postbacks_attempt_duration_seconds_bucket{le="+Inf"}'] == 200
        assert found['postbacks_backlog{state="ready"}'] == 0
        wait_until(lambda: series()["postbacks_worker_processes"] == 2, 30, "both processes have had a task")
        assert series()["postbacks_sweep_age_seconds"] < 10
        with Asker(5) as asker:
            levels = [Level.OK, Level.OK]
            wait_until(lambda: [each.level for each in look_at_workers(asker)] == levels, 20, "beat has been seen too")
        worker.kill()
        wait_until(lambda: "worker" in ready()["not"], 15, "the death of both is noticed")
        with Asker(5) as asker:
            (finding,) = look_at_workers(asker)
        assert finding.what == "No worker process is running: nothing is sent."
