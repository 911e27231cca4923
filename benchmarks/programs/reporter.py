"""Commits events at a steady rate, each in its own transaction. `RATE WARM_UP SECONDS FILE`

The rows of the events exist already, because recording a conversion takes longer than sending it and would take
processor time from what is measured. Each event is announced as recording announces it, so that the real outbox
matches, writes and commits its deliveries and wakes the workers. After the warm-up, writes the time of each commit,
taken before anything that the commit triggers, as JSON lines.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import django
import orjson

django.setup()

from django.db import connection, transaction  # noqa: E402 -- the apps must be ready

from actions.models import ActionEvent  # noqa: E402
from actions.signals import action_events_recorded  # noqa: E402
from partners import setup_version  # noqa: E402

# Commits wait for the disk, so one at a time could be too slow; in production, several processes record too.
THREADS = 8


def main(rate: float, warm_up_seconds: float, seconds: float, log: Path) -> None:
    """Commits as many events as needed, of those without a delivery, and exits."""
    waiting = ActionEvent.objects.filter(deliveries=None).select_related("action").order_by("id")
    events = list(waiting[: round((warm_up_seconds + seconds) * rate)])
    first = round(warm_up_seconds * rate)
    print("reporting", flush=True)
    began = time.monotonic()

    def commit_share(thread: int) -> list[bytes]:
        lines = []
        for number in range(thread, len(events), THREADS):
            time.sleep(max(0.0, began + number / rate - time.monotonic()))
            line = _commit(events[number])
            if number >= first:
                lines.append(line)
        connection.close()
        return lines

    with ThreadPoolExecutor(THREADS) as threads:
        log.write_bytes(b"".join(line for lines in threads.map(commit_share, range(THREADS)) for line in lines))


def _commit(event: ActionEvent) -> bytes:
    committed_at = 0.0

    def on_commit() -> None:
        nonlocal committed_at
        committed_at = time.time()

    with transaction.atomic():
        transaction.on_commit(on_commit)  # Called first, before the workers are woken.
        version = setup_version.current()
        action_events_recorded.send(sender=ActionEvent, events=[event], setup_version=version)
    return orjson.dumps({"event": event.pk, "committed_at": committed_at}) + b"\n"


if __name__ == "__main__":
    main(float(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4]))
