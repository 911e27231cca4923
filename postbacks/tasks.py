"""The Celery tasks. Each says "there is work": it carries no data, stores no result, and may run any number of times.

A lost message costs a second, until the sweep; one that comes twice finds nothing to do.
"""

import logging

from celery import shared_task
from celery.signals import worker_process_init, worker_process_shutdown, worker_ready, worker_shutdown
from django.db import OperationalError

from environment.garbage import search_seldom
from environment.turns import short_turns
from postbacks.database import raw_cursor
from postbacks.delivery import heartbeat
from postbacks.delivery.process import engine, stop_engine
from postbacks.delivery.sweep import sweeper
from postbacks.delivery_log.history import CHANGE, note
from postbacks.metrics import fold as counts
from postbacks.outbox import judge_put_aside
from postbacks.replay import try_many
from postbacks.replay.feed import drive_for

logger = logging.getLogger(__name__)

REPLAY_FOR_SECONDS = 0.8  # Posted each second while there is something to do; the thread is needed for drains too.
TRY_FOR_SECONDS = 0.2  # Some thousands of deliveries.


@shared_task(name="postbacks.tasks.drain", ignore_result=True)
def drain() -> None:
    """Claims, builds and sends what is due."""
    engine().drain()


@shared_task(name="postbacks.tasks.sweep", ignore_result=True)
def sweep() -> None:
    """Finds what is due, and what dead workers hold."""
    engine()  # From now on this process also sweeps by itself.
    sweeper.sweep()


@shared_task(name="postbacks.tasks.replay", ignore_result=True)
@short_turns()
def replay() -> None:
    """Continues replays that have no driver: those started in the admin, and those whose driver has died. Has those
    deliveries tried of which an operator chose many. Judges what workers of the release before have put aside."""
    try:
        judge_put_aside()
    except OperationalError as error:
        logger.warning("What was put aside could not be judged yet (%s).", str(error).strip())
    drive_for(REPLAY_FOR_SECONDS)
    try_many.drive_for(TRY_FOR_SECONDS, lambda user, ids: note(user, ids, CHANGE, "Tried now."))


@shared_task(name="postbacks.tasks.fold", ignore_result=True)
@short_turns()
def fold() -> None:
    """Adds new counts to the roll-ups, and deletes old ones."""
    with raw_cursor() as cursor:
        heartbeat.note(cursor, heartbeat.BEAT)
    try:
        counts.fold_ended()
        counts.prune()
    except OperationalError as error:
        logger.warning("The counts could not be added up yet (%s).", str(error).strip())


worker_process_init.connect(lambda **_: search_seldom(), weak=False)
# Awake from its first moment: a process that waited for its first task would leave all work to the other hosts as long
# as they are quicker to take tasks.
worker_process_init.connect(lambda **_: engine(), weak=False)
# Otherwise a worker that starts while beat is down would not find what waits for it.
worker_ready.connect(lambda **_: sweep.delay(), weak=False)
# Only these signals let a worker finish what is in flight: at any later hook, a child's threads are already cut off.
# The first is for children of the prefork pool, the second for pools that run tasks in the worker process itself.
worker_process_shutdown.connect(lambda **_: stop_engine(), weak=False)
worker_shutdown.connect(lambda **_: stop_engine(), weak=False)
