"""The machine: open files, and free space for the embedded data."""

from __future__ import annotations

import resource
import shutil
from collections.abc import Iterator

from django.conf import settings

from operations.doctor.finding import Finding, fine, warning, wrong
from postbacks.delivery.fair_queue import MAX_IN_FLIGHT

# One per transfer of a worker process, one more while its host is looked up, and what the process has open anyway.
ENOUGH_FILES = 2 * MAX_IN_FLIGHT + 96
GIGABYTE = 1 << 30
LITTLE_GB, TOO_LITTLE_GB = 5, 1


def look_at_machine() -> Iterator[Finding]:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield judge_files(float("inf") if most == resource.RLIM_INFINITY else most)
    if settings.DATABASE_IS_EMBEDDED or settings.REDIS_IS_EMBEDDED:
        yield judge_disk(str(settings.DATA_DIR), shutil.disk_usage(settings.DATA_DIR).free)


def judge_files(most: float) -> Finding:
    """Judges the hard limit, to which workers raise the soft one."""
    if most < ENOUGH_FILES:
        return warning(
            f"A process may have {most:,.0f} files open; a worker process with {MAX_IN_FLIGHT:,} requests in flight "
            f"needs {ENOUGH_FILES:,}.",
            "Raise the hard limit: `ulimit -Hn 65536`, LimitNOFILE=65536 in systemd, `ulimits` in Docker.",
        )
    return fine(f"A process may have {most:,.0f} files open.")


def judge_disk(folder: str, free_bytes: int) -> Finding:
    free = free_bytes / GIGABYTE
    what = f"{free:.1f} GB are free for {folder}."
    fix = "Free some space, or move the folder to a larger disk: PostgreSQL stops when it is full."
    if free < TOO_LITTLE_GB:
        return wrong(what, fix)
    return warning(what, fix) if free < LITTLE_GB else fine(what)
