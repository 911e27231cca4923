"""Three hosts with workers and two with webs, on one PostgreSQL and one Redis, each a host of its own: a release takes
the place of another, each host does its part, and hosts die or no longer reach one of the others. Meanwhile orders come
in: nothing is lost, and order is kept.

The hosts serve all tests here, one after the other. What is cut off is cut off silently: no connection ends, packets
are lost. So it lasts until somebody notices.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.hosts.installation import Arrival, Installation, installation
from tests.hosts.programs.shop import AMOUNTS
from tests.support.bulk import add_due_deliveries
from tests.support.patience import wait_until
from tests.support.releases import previous_commit, unpack

LONGER = int(os.environ.get("POSTBACKS_HOSTS_LONGER", "1"))  # How many times as much happens between two changes.
PER_SECOND = 8
LIMIT = 14  # Of the limited postback, a second, over all hosts. It is told of twice PER_SECOND events.
RECEIVER = "10.89.0.4"
ANSWER_SECONDS = 0.3
QUERY = "?order={Oid}&amount={Amount}&id={DeliveryId}"
# A host that is gone without a word: PostgreSQL notices within 5 s here, then its deliveries are taken after 3 s.
NOTICED_SECONDS = 30.0
CUT_SECONDS = 5.0  # Longer than a dead worker's deliveries wait until another takes them.
WORKERS = ("first", "second", "third")
WEBS = ("web", "otherweb")
ORDERS, ONE_RECEIVER, MANY_RECEIVERS = 101, 102, 103
MANY = 30
SETUP = {
    "CampaignId": "100",
    "ActionTrackerId": str(ORDERS),
    "EventDate": "2026-11-20",
    "CurrencyCode": "USD",
}


def configuration() -> str:
    def postback(name: str, tracker: int, more: str = "") -> str:
        url = f"http://{RECEIVER}/{name}{QUERY}"
        return f'      - {{name: {name}, action_tracker: {tracker}, url: "{url}"{more}}}'

    postbacks = [
        postback("plain", ORDERS),
        postback("limited", ORDERS, f", maximum_requests: {LIMIT}"),
        postback("one", ONE_RECEIVER),
        *(postback(f"many{number}", MANY_RECEIVERS) for number in range(MANY)),
    ]
    trackers = f"{{id: {ORDERS}, name: Order}}, {{id: {ONE_RECEIVER}, name: One}}, {{id: {MANY_RECEIVERS}, name: Many}}"
    lines = [
        "programs:",
        f"  - {{id: 100, name: Lighthouse, currency: USD, action_trackers: [{trackers}]}}",
        "media_sources:",
        "  - id: 110",
        "    name: Beacon",
        "    type: Analytics",
        "    postbacks:",
        *postbacks,
    ]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The servers, without any web or worker."""
    with installation(tmp_path_factory.mktemp("hosts"), answer_seconds=ANSWER_SECONDS) as found:
        assert found.receiver.address == RECEIVER
        yield found


@pytest.fixture
def running(made: Installation) -> Installation:
    """All hosts, with this release."""
    if made.account is None:
        made.set_up(configuration())
    for name in WORKERS:
        if name not in made.workers or not made.workers[name].started:
            made.start_worker(name, beat=name == WORKERS[0])
    for name in WEBS:
        if name not in made.webs or not made.webs[name].started:
            made.start_web(name)
    for host in (*made.workers.values(), *made.webs.values()):
        made.works(host)
    return made


@contextmanager
def orders_come_in(made: Installation, shop: str) -> Iterator[Callable[[], None]]:
    """Within the block; at its end, all that was reported is delivered. It gets a function that waits until more
    arrive."""
    reporting = made.shop(shop, PER_SECOND, SETUP)

    def more_arrive() -> None:
        now = made.arrived()
        wait_until(lambda: made.arrived() > now + LONGER * 2 * PER_SECOND, LONGER * NOTICED_SECONDS, "more arrive")

    more_arrive()
    try:
        yield more_arrive
    finally:
        end(reporting)
    wait_until(lambda: made.unfinished() == 0, LONGER * NOTICED_SECONDS, "all is delivered")


def end(reporting: subprocess.Popen[bytes]) -> None:
    reporting.send_signal(signal.SIGTERM)
    reporting.wait(120)


@pytest.mark.worker
@pytest.mark.timeout(500)
def test_a_release_takes_the_place_of_another_host_by_host(made: Installation, tmp_path: Path) -> None:
    commit, this = previous_commit(), made.code
    if made.account is not None:
        pytest.skip("The hosts have this release already: run this test first.")
    unpack(commit, tmp_path / "previous")
    made.code = tmp_path / "previous"
    made.set_up(configuration())
    hosts = [
        *(made.start_worker(name, beat=name == WORKERS[0]) for name in WORKERS),
        *(made.start_web(name) for name in WEBS),
    ]
    for host in hosts:
        made.works(host)
    first, second, third, web, other_web = hosts
    with orders_come_in(made, "upgrade") as more_arrive:
        made.code = this
        made.manage("migrate", "--noinput")
        more_arrive()  # The earlier programs go on with the new tables.
        for replaced in ((second, web), (third, other_web), (first,)):
            for host in replaced:
                host.stop()
            more_arrive()  # The others go on.
            for host in replaced:
                if host in (web, other_web):
                    made.start_web(host.name)
                else:
                    made.start_worker(host.name, beat=host is first)
            for host in replaced:
                made.works(host)
            more_arrive()

    arrivals = [each for each in made.arrivals() if each.values["order"].startswith("upgrade-")]
    orders = made.reported("upgrade")
    must_have_been_answered(orders)
    must_have_arrived(arrivals, list(orders))
    assert max(Counter(each.values["id"] for each in arrivals).values()) == 1, "nobody was killed: each once"
    limit_must_hold(limited(arrivals))


@pytest.mark.worker
@pytest.mark.timeout(300)
def test_each_host_does_its_part(running: Installation) -> None:
    """Of a backlog to one slow receiver, and of one to many; and a host that was away has its part again."""
    third = running.workers["third"]
    for what, count, least in ((ONE_RECEIVER, 1800, 0.2), (MANY_RECEIVERS, 1500, 0.08)):
        # Of one of three: beside other tests, a host may get no processor for half of the two seconds that one takes.
        found: list[dict[str, float]] = []
        while not found or (min(found[-1].values()) < least and len(found) < 3):
            found.append(parts_of(backlog(running, what, count, f"even {len(found)}"), running))
        assert min(found[-1].values()) >= least, found
    third.kill()
    running.start_worker("third")
    running.works(third)
    # Of three: it begins with few at once, while the others take one within two seconds.
    arrivals = [each for number in range(3) for each in backlog(running, ONE_RECEIVER, 1500, f"back {number}")]
    assert parts_of(arrivals, running)["third"] > 0
    if LONGER > 1:
        last = [each for each in arrivals if each.at > arrivals[-1].at - 2]
        assert parts_of(last, running)["third"] >= 0.2


def backlog(made: Installation, event_type: int, count: int, name: str) -> list[Arrival]:
    """What arrives of so many deliveries of this event type, which are due at once."""
    before = made.arrived()
    with made.cursor() as cursor:
        cursor.execute("SELECT id FROM postbacks_postback WHERE action_tracker_id = %s", [event_type])
        postbacks = [row[0] for row in cursor.fetchall()]
        add_due_deliveries(cursor, 100, event_type, postbacks, count * LONGER, orders=f"{name} ")
    wait_until(lambda: made.unfinished() == 0, 60 * LONGER, "all is delivered")
    return made.arrivals()[before:]


def parts_of(arrivals: Sequence[Arrival], made: Installation) -> dict[str, float]:
    callers = Counter(each.caller for each in arrivals)
    return {name: callers[host.address] / len(arrivals) for name, host in made.workers.items()}


@pytest.mark.worker
@pytest.mark.timeout(500)
def test_nothing_is_lost_whatever_host_is_cut_off_or_dies(running: Installation) -> None:
    made = running
    second, third = made.workers["second"], made.workers["third"]
    web, other_web = made.webs["web"], made.webs["otherweb"]
    with orders_come_in(made, "cut") as more_arrive:
        for cuts in (
            ((second, made.redis), (third, made.receiver)),
            ((second, made.database), (web, made.redis)),
        ):
            for one, another in cuts:
                one.lose(another)
            time.sleep(CUT_SECONDS)
            more_arrive()
            for one, another in cuts:
                one.find(another)
            more_arrive()
        second.power_off()
        other_web.power_off()
        more_arrive()

    arrivals = [each for each in made.arrivals() if each.values["order"].startswith("cut-")]
    orders = made.reported("cut")
    must_have_been_answered(orders)
    must_have_arrived(arrivals, list(orders))
    # What a host sends to a receiver that it has lost comes all at once, when TCP repeats it. So the limit is judged
    # by when requests were begun, as far as their hosts could still note it.
    with made.cursor() as cursor:
        begun = "SELECT extract(epoch FROM started_at)::float8 FROM postbacks_attempt WHERE url LIKE %s"
        cursor.execute(begun, ["%/limited?order=cut-%"])
        limit_must_hold([at for (at,) in cursor.fetchall()])


def must_have_been_answered(reported: dict[str, list[tuple[int, str, str]]]) -> None:
    assert {status for answers in reported.values() for status, _, _ in answers} == {200}


def must_have_arrived(arrivals: Sequence[Arrival], orders: Sequence[str]) -> None:
    """Each order at each postback, first as it was reported, then as it was changed."""
    told: dict[tuple[str, str], list[str]] = defaultdict(list)
    for arrival in arrivals:
        amounts = told[arrival.path, arrival.values["order"]]
        if arrival.values["amount"] not in amounts:  # What was under way on a host that is gone comes again.
            amounts.append(arrival.values["amount"])
    assert told == {(path, order): list(AMOUNTS) for path in ("/plain", "/limited") for order in orders}


def limited(arrivals: Sequence[Arrival]) -> list[float]:
    """When those came that are limited."""
    return [arrival.at for arrival in arrivals if arrival.path == "/limited"]


def limit_must_hold(times: Sequence[float]) -> None:
    """Over all hosts, in any second; and it did limit. Some may come late, beside what comes in time: a host may stand
    still between the slot and the request, beside other tests. Hosts that paced themselves apart would come to a
    multiple."""
    fullest = max(sum(begin <= at < begin + 1 for at in times) for begin in times)
    assert LIMIT - 3 <= fullest <= LIMIT + LIMIT // 4
