"""The broker, where it is another one than Redis: reachable, and read by a worker."""

from __future__ import annotations

from collections.abc import Iterator

from celery import current_app

from operations.advice import BROKER, fix_of
from operations.doctor.finding import Finding, fine, warning, wrong
from stores.broker import Broker, broker_of
from stores.broker_state import QueueState, queue_state

SECONDS = 3.0
# Beat posts nothing while this many wait, and workers that keep up leave none.
MANY_WAITING = 20
OTHERWISE = "Check that it runs, and CELERY_BROKER_URL. Postbacks go out meanwhile, without beat's tasks."


def look_at_broker() -> Iterator[Finding]:
    """Yields nothing where Redis is the broker: it has its own findings."""
    broker = broker_of(current_app.conf.broker_url)
    if broker is Broker.REDIS:
        return
    try:
        state = queue_state(current_app, SECONDS)
    except Exception as error:  # noqa: BLE001 -- each broker's client has errors of its own
        said = " ".join(str(error).split()) or type(error).__name__
        yield wrong(f"{broker.value} cannot be used: {said}", fix_of(error, BROKER, OTHERWISE))
    else:
        yield from judge_queue(broker, state)


def judge_queue(broker: Broker, state: QueueState) -> Iterator[Finding]:
    """Whether workers take what is posted."""
    yield fine(f"{state.version or broker.value} answers; {state.waiting} messages wait in {state.name}.")
    if state.workers == 0:
        yield warning(
            f"No worker takes messages from {state.name}.",
            "Start a worker with the same CELERY_BROKER_URL and RABBITMQ_QUEUES as here.",
        )
    elif state.waiting > MANY_WAITING:
        yield warning(
            f"{state.waiting} messages wait in {state.name}, and beat posts no more until workers take them.",
            "See the log of the workers, and restart them: nothing is lost.",
        )
