"""Maximum Requests as the receiver counts, with real worker processes, where connecting or Redis is slow."""

from __future__ import annotations

import random
import ssl
from pathlib import Path

import pytest

from postbacks.models import Attempt, Delivery, Postback
from tests.support.bulk import make_due_deliveries
from tests.support.factories import make_media_source, make_postback, make_tracker
from tests.support.kept_connections import answer_and_close, kept_connections
from tests.support.own_redis import own_redis, slow_replies
from tests.support.patience import wait_until
from tests.support.receiver import ScriptedReceiver
from tests.support.tls_redis import make_certificates
from tests.support.windows import must_hold
from tests.support.workers import running_workers

pytestmark = pytest.mark.django_db(transaction=True)


def limited(url: str, limit: int) -> Postback:
    return make_postback(make_tracker(), make_media_source(), url=url, maximum_requests=limit)


def deliver(postback: Postback, count: int, timeout_seconds: float) -> None:
    """Makes `count` deliveries of it and waits until all are delivered."""
    make_due_deliveries(make_tracker(), [postback], count)
    delivered = Delivery.objects.filter(postback=postback, state="delivered")
    wait_until(lambda: delivered.count() == count, timeout_seconds, "all are delivered")


def trusting(folder: Path) -> dict[str, str]:
    """For processes that trust the authority in this folder: the variables they are started with."""
    (folder / "sitecustomize.py").write_text(f"import certifi\ncertifi.where = lambda: {str(folder / 'ca.crt')!r}\n")
    return {"PYTHONPATH": str(folder)}


def test_slow_handshakes_bring_no_second_above_the_limit(tmp_path: Path) -> None:
    limit, count = 10, 120
    make_certificates(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "redis.crt", tmp_path / "redis.key")
    dice = random.Random(7)  # noqa: S311 -- no secret

    def arrivals() -> list[float]:
        with kept_connections(answer_and_close, context, from_the=1) as server:
            server.handshake_seconds = lambda: dice.uniform(0, 1.2)
            postback = limited(f"https://localhost:{server.port}/", limit)
            deliver(postback, count, 30)
        times = sorted(asked.t for asked in server.asked)
        assert len(times) == count
        assert Attempt.objects.filter(delivery__postback=postback).count() == count
        assert times[-1] - times[0] < 2 * count / limit, "and nearly every slot is used"
        return times

    with running_workers(2, trusting(tmp_path)):
        must_hold(limit, arrivals)


def test_late_answers_of_redis_bring_no_second_above_the_limit() -> None:
    limit, count = 20, 200

    def arrivals() -> list[float]:
        with ScriptedReceiver() as receiver:
            deliver(limited(receiver.url, limit), count, 60)
        assert len(receiver.arrivals) == count
        return [arrival.t for arrival in receiver.arrivals]

    with (
        own_redis() as server,
        slow_replies(server.port, one_in=16, seconds=0.7) as url,
        running_workers(2, {"REDIS_URL": url}),
    ):
        must_hold(limit, arrivals)
