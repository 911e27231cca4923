"""A replay as operators run it: the command and the workers are processes of their own, and the command is killed."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator

import pytest
from django.utils import timezone

from commands.exit_codes import ExitCode
from postbacks.models import Attempt, Delivery, Replay
from tests.support.bulk import make_due_deliveries
from tests.support.factories import make_media_source, make_postback, make_tracker
from tests.support.patience import PATIENCE, wait_until
from tests.support.receiver import ScriptedReceiver
from tests.support.workers import Command, commands

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("workers")]

COUNT = 2_000
RATE = 200  # So slow that seconds are left to interrupt it in.


@pytest.fixture
def replay_command() -> Iterator[Command]:
    with commands("replay_actions") as start:
        yield start


def test_stopped_killed_and_gone_on_with_each_arrives_once(replay_command: Command) -> None:
    tracker = make_tracker()
    with ScriptedReceiver() as receiver:
        postbacks = [
            make_postback(tracker, make_media_source(), url=receiver.url + "/in?delivery={DeliveryId}")
            for _ in range(2)
        ]
        made = make_due_deliveries(tracker, postbacks, COUNT)
        Delivery.objects.update(state="delivered", finished_at=timezone.now())

        first = replay_command("--yes", "--rate", str(RATE))
        receiver.wait_for(COUNT // 20, timeout=30)
        first.send_signal(signal.SIGINT)
        _, complaint = first.communicate(timeout=PATIENCE * 20)
        replay = Replay.objects.get()
        assert first.returncode == ExitCode.INTERRUPTED
        assert f"were handed over. Continue with: python manage.py replay_actions --resume {replay.pk}" in complaint
        assert (replay.state, 0 < replay.made < COUNT, replay.driver) == ("stopped", True, None)

        second = replay_command("--resume", str(replay.pk))
        receiver.wait_for(COUNT // 4, timeout=30)
        second.kill()
        second.communicate(timeout=PATIENCE * 20)
        replay.refresh_from_db()
        assert (replay.state, replay.made < COUNT) == ("running", True)

        # The workers notice that nobody drives it any more.
        wait_until(lambda: Replay.objects.get().state == "finished", 40, "it is all handed over")
        unfinished = Delivery.objects.filter(state__in=Delivery.UNFINISHED)
        wait_until(lambda: not unfinished.exists(), 20, "all are delivered")
        arrived = Counter(int(arrival.query["delivery"]) for arrival in receiver.arrivals)

    assert arrived == dict.fromkeys(made, 1), "each once, by the id that the receiver knows"
    assert Delivery.objects.filter(replay=replay, state="delivered").count() == COUNT
    assert Attempt.objects.count() == COUNT
    replay.refresh_from_db()
    assert (replay.planned, replay.made) == (COUNT, COUNT)
