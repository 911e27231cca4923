"""A worker process on a host whose clock is off, as libfaketime makes it."""

from __future__ import annotations

import socket
from datetime import timedelta
from pathlib import Path

import pytest
from django.db.models.functions import Now

from operations.asking import Asker
from operations.doctor.workers import look_at_workers
from partners.models import ActionTracker, Partner
from postbacks.delivery import heartbeat
from postbacks.delivery.redis import client
from postbacks.models import Attempt
from postbacks.models.pulse import Pulse
from tests.support.factories import make_postback, record_action
from tests.support.patience import wait_until
from tests.support.receiver import ScriptedReceiver
from tests.support.workers import CeleryProcess, start_worker

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def faketime() -> Path:
    found = sorted(Path("/usr/lib").glob("**/faketime/libfaketimeMT.so.1"))
    if not found:
        pytest.skip("libfaketime is not installed (Debian: apt-get install faketime).")
    return found[0]


@pytest.mark.parametrize("seconds", [7, -7])
def test_a_worker_whose_clock_is_off_does_its_work_and_is_named(
    faketime: Path, tracker: ActionTracker, partner: Partner, seconds: int
) -> None:
    client.flushdb()
    # The monotonic clock of a host is not off.
    wrong = {"LD_PRELOAD": str(faketime), "FAKETIME": f"{seconds:+d}s", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    with (
        ScriptedReceiver() as receiver,
        start_worker(concurrency=1, variables=wrong),
        CeleryProcess("beat", "beat", ready="is starting"),
    ):
        make_postback(tracker, partner, url=receiver.url)
        wait_until(lambda: Pulse.objects.filter(name=heartbeat.BEAT).exists(), 15, "what only beat posts is done")
        record_action(tracker, partner)
        receiver.wait_for(1)
        wait_until(Attempt.objects.exists, 10, "the attempt is recorded")
        with Asker(5) as asker:
            said = [finding.what for finding in look_at_workers(asker)]
    off = Attempt.objects.annotate(now=Now()).get()
    assert abs(off.now - off.started_at) < timedelta(seconds=abs(seconds) - 1)
    assert f"The clock of a worker's host is not the database's: {seconds:+d}.0 s on {socket.gethostname()}." in said
