"""The portal, exports and metrics with a replica: what is read there, how old it may be, and what without it."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from config.replica import LAG_HEADER
from operations.metrics import families, readings
from portal.models import PartnerLink
from postbacks.models import Delivery, Postback
from stores.replica import marks
from stores.replica.watch import watch
from tests.portal.opened import make_link, opened, token_in
from tests.support.delivery_rows import make_delivery, make_lane
from tests.support.patience import wait_until
from tests.support.replica import Replica, settle

EXPORT = "/admin/postbacks/delivery/export/?format=csv"
PAGES = ("/portal/", "/portal/deliveries/", "/portal/postbacks/{postback}/", "/portal/deliveries/{delivery}/")


@pytest.fixture
def lane(replica: Replica) -> Postback:
    return make_lane(name="Sales")


@pytest.fixture
def link(lane: Postback) -> PartnerLink:
    assert lane.media_source is not None
    return make_link(lane.media_source, rights=PartnerLink.Right.values)


@pytest.fixture
def earlier(lane: Postback) -> Delivery:
    return make_delivery(lane)


@pytest.fixture
def visitor(link: PartnerLink, earlier: Delivery) -> Client:
    return opened(link)


@pytest.fixture
def operator(replica: Replica) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("operator"))
    return client


def pages(delivery: Delivery) -> list[str]:
    return [page.format(postback=delivery.postback_id, delivery=delivery.pk) for page in PAGES]


def page_of(delivery: Delivery) -> str:
    return f"/portal/deliveries/{delivery.pk}/"


def exported(client: Client) -> list[str]:
    """The deliveries in the file."""
    return deliveries_in(pieces_of_export(client))


def pieces_of_export(client: Client) -> Iterator[bytes]:
    response: Any = client.get(EXPORT)
    return iter(response.streaming_content)


def deliveries_in(pieces: Iterable[bytes]) -> list[str]:
    return [row["delivery"] for row in csv.DictReader(b"".join(pieces).decode().splitlines())]


def test_each_page_of_the_portal_that_shows_something_is_read_there(
    replica: Replica, earlier: Delivery, visitor: Client, caught_up: Callable[[], None]
) -> None:
    settle()
    caught_up()
    with replica.paused():
        later = make_delivery(earlier.postback)
        for page in pages(earlier):
            response = visitor.get(page)
            assert response.status_code == 200, page
            assert response.headers[LAG_HEADER] == "0.0", page
            assert "Read from a replica, at most 1 s behind." in response.text, page
        assert page_of(later) not in visitor.get(PAGES[1]).text
        assert visitor.get(page_of(later)).status_code == 404, "there is none yet"
    caught_up()
    assert page_of(later) in visitor.get(PAGES[1]).text


def test_an_owner_sees_at_once_what_they_did_and_others_a_moment_later(
    replica: Replica, earlier: Delivery, link: PartnerLink, visitor: Client, caught_up: Callable[[], None]
) -> None:
    colleague = opened(link)
    page = pages(earlier)[2]
    settle()
    caught_up()
    with replica.paused():
        form = {"token": token_in(visitor.get(page))}
        assert visitor.post(f"{page}pause/", form).status_code == 302
        assert Postback.objects.get(pk=earlier.postback_id).paused_at
        own, others = visitor.get(page), colleague.get(page)
        assert LAG_HEADER not in own.headers
        assert f"{page}resume/" in own.text
        assert LAG_HEADER in others.headers
        assert f"{page}resume/" not in others.text
    replica.catch_up()
    assert LAG_HEADER in visitor.get(page).headers


def test_a_link_that_was_revoked_opens_nothing_though_the_replica_does_not_know(
    replica: Replica, earlier: Delivery, link: PartnerLink, visitor: Client, caught_up: Callable[[], None]
) -> None:
    settle()
    caught_up()
    with replica.paused():
        PartnerLink.objects.filter(pk=link.pk).update(revoked_at="2026-11-20T12:00:00Z")
        for page in pages(earlier):
            assert visitor.get(page).status_code != 200, page


def test_without_the_replica_or_with_an_old_one_the_portal_shows_all(
    replica: Replica, earlier: Delivery, visitor: Client, caught_up: Callable[[], None], settings: Any
) -> None:
    settle()
    caught_up()
    settings.DATABASE_REPLICA_MAX_LAG_SECONDS = 0.2
    with replica.paused():
        later = make_delivery(earlier.postback)

        def is_behind() -> bool:
            watch.look()
            return "behind" in watch.trouble

        wait_until(is_behind, 5, "it is found too far behind")
        assert page_of(later) in visitor.get(PAGES[1]).text
    settings.DATABASE_REPLICA_MAX_LAG_SECONDS = 30
    caught_up()
    replica.kill()
    try:
        for page in pages(later):
            response = visitor.get(page)
            assert response.status_code == 200, page
            assert LAG_HEADER not in response.headers, page
    finally:
        replica.start()
    caught_up()
    assert LAG_HEADER in visitor.get(PAGES[0]).headers


def test_an_export_is_read_there_and_is_whole_without_it(
    replica: Replica, earlier: Delivery, operator: Client, caught_up: Callable[[], None]
) -> None:
    settle()
    caught_up()
    with replica.paused():
        later = make_delivery(earlier.postback)
        assert exported(operator) == [str(earlier.pk)], f"and not {later.pk}"
    caught_up()
    replica.kill()
    try:
        assert exported(operator) == [str(later.pk), str(earlier.pk)]
    finally:
        replica.start()


def test_an_export_goes_on_where_the_replica_ends_in_the_middle(
    replica: Replica, earlier: Delivery, operator: Client, caught_up: Callable[[], None]
) -> None:
    later = make_delivery(earlier.postback)
    settle()
    caught_up()
    pieces = pieces_of_export(operator)
    first = next(pieces)
    replica.kill()
    try:
        assert deliveries_in([first, *pieces]) == [str(later.pk), str(earlier.pk)]
    finally:
        replica.start()


def metrics() -> dict[str, float]:
    found = families.Page(readings.read()).collect()
    return {sample.name: sample.value for family in found for sample in family.samples if "replica" in sample.name}


def test_metrics_tell_what_the_replica_is(
    replica: Replica, earlier: Delivery, caught_up: Callable[[], None], settings: Any
) -> None:
    settle()
    caught_up()
    told = metrics()
    assert told.pop("postbacks_replica_lag_seconds") < 1
    assert told == {"postbacks_replica_usable": 1, "postbacks_replica_fallbacks_total": 0}

    settings.DATABASE_REPLICA_MAX_LAG_SECONDS = 0.2
    with replica.paused():
        make_delivery(earlier.postback)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.3)")
        told = metrics()
        assert told["postbacks_replica_usable"] == 0
        assert 0.2 < told["postbacks_replica_lag_seconds"] < 60

    settings.DATABASE_REPLICA_MAX_LAG_SECONDS = 30
    for _ in range(2):
        marks.count_fallback()
    replica.kill()
    try:
        assert metrics() == {"postbacks_replica_usable": 0, "postbacks_replica_fallbacks_total": 2}
    finally:
        replica.start()
    caught_up()
    assert metrics()["postbacks_replica_usable"] == 1
