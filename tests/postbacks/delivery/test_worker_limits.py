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
from tests.support.windows import most_in_a_second
from tests.support.workers import running_workers

pytestmark = pytest.mark.django_db(transaction=True)


def limited(url: str, limit: int) -> Postback:
    return make_postback(make_tracker(), make_media_source(), url=url, maximum_requests=limit)


def wait_until_delivered(count: int, timeout_seconds: float) -> None:
    delivered = Delivery.objects.filter(state="delivered")
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
    with kept_connections(answer_and_close, context, from_the=1) as server, running_workers(2, trusting(tmp_path)):
        dice = random.Random(7)  # noqa: S311 -- no secret
        server.handshake_seconds = lambda: dice.uniform(0, 1.2)
        make_due_deliveries(make_tracker(), [limited(f"https://localhost:{server.port}/", limit)], count)
        wait_until_delivered(count, 30)
    times = sorted(asked.t for asked in server.asked)
    assert len(times) == count
    assert most_in_a_second(times) <= limit
    assert Attempt.objects.count() == count
    assert times[-1] - times[0] < 2 * count / limit, "and nearly every slot is used"


def test_late_answers_of_redis_bring_no_second_above_the_limit() -> None:
    limit, count = 20, 200
    with (
        own_redis() as server,
        slow_replies(server.port, one_in=16, seconds=0.7) as url,
        ScriptedReceiver() as receiver,
        running_workers(2, {"REDIS_URL": url}),
    ):
        make_due_deliveries(make_tracker(), [limited(receiver.url, limit)], count)
        wait_until_delivered(count, 60)
    assert most_in_a_second(arrival.t for arrival in receiver.arrivals) <= limit
    assert len(receiver.arrivals) == count
