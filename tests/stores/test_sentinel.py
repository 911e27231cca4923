"""Redis behind Sentinels: the pace and the broker go on with the new primary, and no rate is exceeded."""

from __future__ import annotations

import pytest

from postbacks.models import Delivery
from stores import sentinel
from stores.broker import Broker, broker_of
from tests.support.bulk import make_due_deliveries
from tests.support.factories import make_media_source, make_postback, make_tracker
from tests.support.patience import wait_until
from tests.support.receiver import ScriptedReceiver
from tests.support.sentinels import running_sentinels
from tests.support.windows import must_hold
from tests.support.workers import CeleryProcess, start_worker

LIMIT = 20  # Requests a second.
PER_ROUND = 60


@pytest.mark.worker
@pytest.mark.django_db(transaction=True)
def test_sends_go_on_after_a_failover_at_the_same_rate() -> None:
    def arrivals() -> list[float]:
        with running_sentinels() as watched, ScriptedReceiver() as receiver:
            variables = {"REDIS_URL": watched.url}
            postback = make_postback(make_tracker(), make_media_source(), url=receiver.url, maximum_requests=LIMIT)
            with (
                start_worker(concurrency=1, variables=variables) as worker,
                CeleryProcess("beat", "beat", ready="is starting", variables=variables),
            ):
                make_due_deliveries(make_tracker(), [postback], PER_ROUND)
                wait_until(lambda: len(receiver.arrivals) > LIMIT, 20, "it sends")
                first = watched.primary_port()
                watched.primary.kill()
                wait_until(lambda: watched.primary_port() != first, 20, "another Redis is the primary")
                make_due_deliveries(make_tracker(), [postback], PER_ROUND)
                waiting = Delivery.objects.exclude(state="delivered")
                wait_until(lambda: not waiting.exists(), 60, "all goes out")
                assert worker.lives
            assert len(receiver.arrivals) == 2 * PER_ROUND, "each once"
            return [arrival.t for arrival in receiver.arrivals]

    must_hold(LIMIT, arrivals)


def test_a_url_of_sentinels_is_read() -> None:
    place = sentinel.read("sentinel://user:p%40ss@one,two:26380,[::1]/2?service=postbacks&sentinel_password=other")
    assert place.hosts == (("one", 26379), ("two", 26380), ("[::1]", 26379))
    assert (place.service, place.username, place.password, place.database) == ("postbacks", "user", "p@ss", 2)
    assert place.celery_url() == (
        "sentinel://user:p%40ss@one:26379/2;sentinel://user:p%40ss@two:26380/2;sentinel://user:p%40ss@[::1]:26379/2"
    )
    assert place.of_sentinels(1)["password"] == "other"
    assert broker_of("sentinel://one,[::1]/2?service=postbacks") is Broker.REDIS
    assert not place.tls
    tls = sentinel.read("sentinels://one/?service=postbacks&ssl_ca_certs=/etc/ca.crt")
    assert tls.of_redis() == {"db": 0, "ssl": True, "ssl_cert_reqs": "required", "ssl_ca_certs": "/etc/ca.crt"}


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("sentinel://one/0", "lacks the name of the service"),
        ("sentinel://one/first?service=postbacks", "first, is not a number"),
        ("sentinel://one,:5/0?service=postbacks", "names no Sentinel in “:5”"),
        ("sentinel://one:many/0?service=postbacks", "names no Sentinel in “one:many”"),
    ],
    ids=["service", "database", "host", "port"],
)
def test_a_url_of_sentinels_that_lacks_something_says_what(url: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        sentinel.read(url)
