"""Logs a line per attempt if LOG_ATTEMPTS asks for it: the facts of the delivery log, for log collectors.

A line holds neither the URL nor text from outside: only the host, the status and the class of the reason.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from urllib.parse import urlsplit

from django.conf import settings

from postbacks.delivery.batch_tally import reason_class
from postbacks.delivery.outcomes import Delivered, GaveUp, Judged, Released, Sent
from postbacks.egress.answer import Answer
from postbacks.metrics.reasons import LABELS

logger = logging.getLogger("postbacks.attempts")


def log_attempts(batch: Iterable[Judged]) -> None:
    """Logs at most one line for each recorded attempt; LOG_ATTEMPTS selects which ones."""
    wanted = settings.LOG_ATTEMPTS
    if wanted == "none":
        return
    for judged in batch:
        if not isinstance(judged.outcome, Released) and (wanted == "all" or not isinstance(judged.outcome, Delivered)):
            _log(judged)


def _log(judged: Judged) -> None:
    claimed = judged.claimed
    outcome = "delivered" if isinstance(judged.outcome, Delivered) else "failed" if _is_over(judged) else "retry"
    reason = reason_class(judged)
    fields = {
        "delivery": claimed.delivery_id,
        "postback": claimed.postback_id,
        "action": claimed.action_id,
        "attempt": claimed.attempt,
        "outcome": outcome,
        "reason": reason,
        "status": None,
        "host": None,
        "duration_ms": None,
    }
    where = ""
    if judged.sent is not None:
        fields |= _of_request(judged.sent)
        where = f" to {fields['host']}, {fields['duration_ms']} ms"
    why = f": {LABELS[reason]}" if reason else ""
    logger.info(
        "Delivery %d of postback %d, attempt %d%s: %s%s",
        *(claimed.delivery_id, claimed.postback_id, claimed.attempt, where, outcome, why),
        extra={name: value for name, value in fields.items() if value is not None},
    )


def _is_over(judged: Judged) -> bool:
    return isinstance(judged.outcome, GaveUp)


def _of_request(sent: Sent) -> dict[str, object]:
    answer = sent.answer
    return {
        "host": host_of(sent.prepared.request.url),
        "status": answer.status_code if isinstance(answer, Answer) else None,
        "duration_ms": round(sent.duration_seconds * 1000),
    }


def host_of(url: str) -> str:
    """The host of a URL; `?` if it has none."""
    try:
        return urlsplit(url).hostname or "?"
    except ValueError:
        return "?"
