"""Turns the result of an attempt into the outcome of its delivery. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from postbacks.delivery.outcomes import Delivered, GaveUp, Outcome, Retry, Sent
from postbacks.egress.answer import Answer
from postbacks.egress.failures import Code, Failure
from postbacks.egress.without_secrets import without_secrets
from postbacks.verdicts.retry import MAXIMUM_ATTEMPTS, RETRY_WAITS, next_delay

GONE = 410
UNAUTHORIZED = 401
REJECTED = (
    "Status 401: the receiver rejects the access token. A new one is fetched, and the next attempt is made at once."
)


def is_quick(sent: Sent) -> bool:
    """Whether this is judged in microseconds: by the status alone, with no secret to look for in the answer."""
    prepared = sent.prepared
    return isinstance(sent.answer, Failure) or not (prepared.rules.read_bodies or prepared.request.scrubber)


def masked(sent: Sent) -> Sent:
    """The attempt with its secrets masked in what came back: the rules, the log and people see nothing else."""
    scrubber = sent.prepared.request.scrubber
    return sent if scrubber is None else sent._replace(answer=without_secrets(sent.answer, scrubber))


def judge(sent: Sent) -> Outcome:
    """The outcome of the delivery, by the postback's rules and the retry schedule."""
    answer = sent.answer
    if isinstance(answer, Failure):
        if answer.code is Code.DROPPED and sent.prepared.claimed.attempt < MAXIMUM_ATTEMPTS:
            return Retry(answer.text, 0.0)
        # A URL that libcurl cannot send today it cannot send tomorrow. Everything else may pass: names, networks,
        # proxies and our own program change.
        return GaveUp(answer.text) if answer.code is Code.INVALID_URL else _again(sent, answer.text, None)
    return _of_answer(sent, answer)


def _of_answer(sent: Sent, answer: Answer) -> Outcome:
    if rejects_token(sent):
        return Retry(REJECTED, 0.0)
    verdict = sent.prepared.rules.judge(answer.status_code, answer.text, answer.unreadable)
    if verdict.success:
        return Delivered(verdict.reason)
    if verdict.undecided:
        return Retry(verdict.reason, _undecided_delay(sent).total_seconds())
    if answer.status_code == GONE:
        return GaveUp("Status 410 Gone: the receiver does not want it any more.")
    return _again(sent, verdict.reason, answer.header("Retry-After"))


def rejects_token(sent: Sent) -> bool:
    """Whether the receiver rejects an access token that was good before, so that the delivery goes again at once with a
    new one. What the rules make of a 401 counts for the next."""
    bearer = sent.prepared.bearer
    if bearer is None or not bearer.again or isinstance(sent.answer, Failure):
        return False
    return sent.answer.status_code == UNAUTHORIZED and sent.prepared.claimed.attempt < MAXIMUM_ATTEMPTS


def _undecided_delay(sent: Sent) -> timedelta:
    """The wait of the schedule, the longest one at its end: what the clock cut off is never the last word."""
    attempts = min(sent.prepared.claimed.attempt, MAXIMUM_ATTEMPTS - 1)
    return next_delay(attempts, None, _answered_at(sent)) or RETRY_WAITS[-1]


def _again(sent: Sent, reason: str, retry_after: str | None) -> Outcome:
    delay = next_delay(sent.prepared.claimed.attempt, retry_after, _answered_at(sent))
    if delay is None:
        return GaveUp(f"{reason.removesuffix('.')}. No attempt is left after {sent.prepared.claimed.attempt}.")
    return Retry(reason, delay.total_seconds())


def _answered_at(sent: Sent) -> datetime:
    """By the database's clock, as the attempt's start is: the host's own may be an hour off a date in Retry-After."""
    return datetime.fromtimestamp(sent.started_at + sent.duration_seconds, UTC)
