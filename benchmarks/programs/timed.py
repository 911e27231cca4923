"""The project's Celery app, whose worker processes note how much processor time each of their threads has taken.

`celery --app benchmarks.programs.timed`; each process has its file, `$BENCHMARK_TIMES.<number>`: one line a thread.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

from celery import signals

from config.celery import app

__all__ = ["app"]

FILE = "BENCHMARK_TIMES"
EVERY_SECONDS = 0.25


@signals.worker_process_init.connect
def _begin(**_: Any) -> None:
    threading.Thread(target=_watch, args=(threading.main_thread(),), daemon=True).start()


def _watch(main: threading.Thread) -> None:
    """Threads that have ended keep their last reading."""
    file = Path(f"{os.environ[FILE]}.{os.getpid()}")
    seconds: dict[str, float] = {}
    while True:
        time.sleep(EVERY_SECONDS)
        for thread in threading.enumerate():
            name = "celery" if thread is main else thread.name
            if thread.ident is not None and (thread is main or name.startswith("postbacks")):
                seconds[name] = time.clock_gettime(time.pthread_getcpuclockid(thread.ident))
        new = file.with_name(f"{file.name}.new")  # Read at any moment.
        new.write_text("".join(f"{name} {spent}\n" for name, spent in seconds.items()))
        new.replace(file)
