"""Workers and beat: whether they are alive and do their work."""

from __future__ import annotations

from collections.abc import Iterator

from environment.program import command
from operations.asking import Asker
from operations.doctor.finding import Finding, fine, warning, wrong
from operations.readiness import MOST_SWEEP_LAG_SECONDS
from operations.standstill import judge_sending, read_sending, read_trouble
from postbacks.advisory_locks import LEASE_LOCKS
from postbacks.delivery import database_clock, heartbeat, leases

# Its task comes every five seconds, and is dropped if every worker is busy for that long.
MOST_BEAT_AGE_SECONDS = 60

MOST_PRUNE_AGE_SECONDS = 3 * 86_400

PRUNE = f"Look for “Pruning” in the log of the workers; run `{command('prune')}`, or extend PRUNE_HOURS."
START_WORKER = "Start a worker: celery --app config worker --without-gossip --without-mingle."
START_BEAT = "Start one beat: celery --app config beat."


def look_at_workers(asker: Asker) -> Iterator[Finding]:
    (processes,) = asker.ask(leases.LIVING, [LEASE_LOCKS])[0]
    ages: dict[str, float] = {name: age for name, age in asker.ask(heartbeat.AGES)}  # noqa: C416 -- typed so
    yield from judge_workers(int(processes), ages.get(heartbeat.SWEEP), ages.get(heartbeat.BEAT))
    if processes and (standstill := judge_sending(read_sending(asker), read_trouble())):
        yield wrong(*standstill)
    for (off,) in asker.ask(database_clock.OFF):
        yield judge_clock(off)
    if ages.get(heartbeat.PRUNE, 0) > MOST_PRUNE_AGE_SECONDS:
        yield warning(f"Pruning last finished {_ago(ages[heartbeat.PRUNE])}.", PRUNE)


def judge_clock(off: str) -> Finding:
    """Judges the clock of a worker's host, given as `+2.0 s on web1`: how far it is ahead of the database's."""
    return warning(
        f"The clock of a worker's host is not the database's: {off}.",
        "Run NTP on that host: the times in its log are off by as much.",
    )


def judge_workers(processes: int, sweep_age: float | None, beat_age: float | None) -> Iterator[Finding]:
    """Judges the number of living worker processes, and the seconds since the sweep and beat last ran."""
    if not processes:
        yield wrong("No worker process is running: nothing is sent.", START_WORKER)
        return  # Workers sweep, and do what beat asks for.
    if sweep_age is None or sweep_age > MOST_SWEEP_LAG_SECONDS:
        yield wrong(
            f"{_count(processes)}, but the last sweep was {_ago(sweep_age)}.",
            "See the log of the worker. Restart it if it is stuck.",
        )
    else:
        yield fine(f"{_count(processes)}; the last sweep was {_ago(sweep_age)}.")
    if beat_age is None or beat_age > MOST_BEAT_AGE_SECONDS:
        yield warning(
            f"Last run of beat: {_ago(beat_age)}. Postbacks go out without it, but e-mail to operators, replays, the "
            "locking of actions and the deletion of old data wait for it.",
            START_BEAT,
        )
    else:
        yield fine(f"Last run of beat: {_ago(beat_age)}.")


def _count(processes: int) -> str:
    return "1 worker process is running" if processes == 1 else f"{processes} worker processes are running"


def _ago(seconds: float | None) -> str:
    if seconds is None:
        return "never"
    for name, size in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name} ago"
    return f"{seconds:.0f} s ago"
