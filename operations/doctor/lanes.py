"""Postbacks that do not send: held ones, and those with due deliveries that no worker takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from operations.asking import Asker
from operations.doctor.finding import Finding, fine, warning, wrong

SHOWN = 5
STUCK_SECONDS = 300

# Leaves out lanes with a good reason not to send at once: a pause, a hold, a Maximum Requests.
STUCK = """
SELECT p.id, p.name, extract(epoch FROM now() - oldest.due_at)::float FROM postbacks_postback p
LEFT JOIN postbacks_lane l ON l.postback_id = p.id
CROSS JOIN LATERAL (
    SELECT min(d.due_at) AS due_at FROM (VALUES (0), (1), (2)) AS each (priority) CROSS JOIN LATERAL (
        SELECT due_at FROM postbacks_delivery
        WHERE postback_id = p.id AND priority = each.priority AND state = 'ready' ORDER BY due_at LIMIT 1
    ) d
) oldest
WHERE p.deleted_at IS NULL AND p.paused_at IS NULL AND p.maximum_requests IS NULL AND l.held_since IS NULL
  AND oldest.due_at < now() - make_interval(secs => %s)
ORDER BY 3 DESC
"""
QUEUED_SECONDS = 60
QUEUED = "SELECT count(*) FROM actions_queuedreport WHERE queued_at < now() - make_interval(secs => %s)"
HELD = """
SELECT p.id, p.name, extract(epoch FROM now() - l.held_since)::float FROM postbacks_lane l
JOIN postbacks_postback p ON p.id = l.postback_id
WHERE l.held_since IS NOT NULL AND p.deleted_at IS NULL ORDER BY 3 DESC
"""

Standing = tuple[int, str, float]  # Id and name of a postback, and for how many seconds it has not sent.


def look_at_lanes(asker: Asker) -> Iterator[Finding]:
    ((queued,),) = asker.ask(QUEUED, [QUEUED_SECONDS])
    yield judge_queued(queued)
    yield from judge_lanes(
        [(pk, name, seconds) for pk, name, seconds in asker.ask(STUCK, [STUCK_SECONDS])],
        [(pk, name, seconds) for pk, name, seconds in asker.ask(HELD)],
    )


def judge_queued(queued: int) -> Finding:
    if queued:
        return warning(
            f"Reports that were answered more than {QUEUED_SECONDS} s ago and are not recorded yet: {queued}.",
            "They are tried again every few seconds, and none is lost. Look in the log of the web and of the workers "
            "for what is in their way: mostly a transaction that holds a row, or an error that is named there. If "
            "neither runs, start them.",
        )
    return fine("Reports are recorded as they come.")


def judge_lanes(stuck: Sequence[Standing], held: Sequence[Standing]) -> Iterator[Finding]:
    if stuck:
        yield wrong(
            f"Due for more than {STUCK_SECONDS // 60} minutes, and not sent: {_listed(stuck)}.",
            "Look for these postbacks in the log of the workers. Add workers if all are busy.",
        )
    else:
        yield fine("No postback is stuck.")
    if held:
        yield warning(
            f"Held because the destination is down: {_listed(held)}.",
            "Contact the operators of these destinations. Waiting deliveries go out once a destination answers; after "
            "seven days they fail.",
        )


def _listed(standing: Sequence[Standing]) -> str:
    names = [f"postback {pk} “{name}” ({_time(seconds)})" for pk, name, seconds in standing[:SHOWN]]
    more = [f"and {len(standing) - SHOWN} more"] if len(standing) > SHOWN else []
    return ", ".join([*names, *more])


def _time(seconds: float) -> str:
    for name, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} s"
