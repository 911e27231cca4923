"""The Celery tasks. Each says "there is work": it carries no data, ignores its result, and may run any number of times.

A message that is lost costs a second, until the sweep; one that comes twice finds nothing to do.
"""

from celery import shared_task
from celery.signals import worker_process_shutdown, worker_ready, worker_shutdown

from postbacks.database import raw_cursor
from postbacks.delivery import heartbeat
from postbacks.delivery.process import engine, stop_engine
from postbacks.delivery.sweep import sweeper
from postbacks.metrics import fold as counts
from postbacks.notices import send_notices
from postbacks.replay.feed import drive_for

REPLAY_FOR_SECONDS = 0.8  # Posted each second; the thread is needed for drains too.


@shared_task(name="postbacks.tasks.drain", ignore_result=True)
def drain() -> None:
    """Some lane is due: claim, build and send what is."""
    engine().drain()


@shared_task(name="postbacks.tasks.sweep", ignore_result=True)
def sweep() -> None:
    """Find what is due, and what dead workers hold."""
    engine()  # From now on this process goes on sweeping by itself, should nobody ask for it.
    sweeper.sweep()


@shared_task(name="postbacks.tasks.notify", ignore_result=True)
def notify() -> None:
    """Tell operators of destinations that are held or released."""
    send_notices()


@shared_task(name="postbacks.tasks.replay", ignore_result=True)
def replay() -> None:
    """Go on with replays that nobody drives: those started in the admin, and those whose driver has died."""
    drive_for(REPLAY_FOR_SECONDS)


@shared_task(name="postbacks.tasks.fold", ignore_result=True)
def fold() -> None:
    """Put what was counted since into the roll-ups, and let old ones go."""
    with raw_cursor() as cursor:
        heartbeat.note(cursor, heartbeat.BEAT)
    counts.fold()
    counts.prune()


# Else a worker that is started while beat is away would not find what waits for it.
worker_ready.connect(lambda **_: sweep.delay(), weak=False)
# Only these signals let a worker finish what is in flight: a child's threads are cut off at any later hook. The first
# is for the prefork pool's children, the second for pools that run tasks in the worker's own process.
worker_process_shutdown.connect(lambda **_: stop_engine(), weak=False)
worker_shutdown.connect(lambda **_: stop_engine(), weak=False)
