"""Every number that leads to the log leads to exactly that many rows."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import pytest
from django.contrib.auth.models import Permission, User
from django.db import transaction
from django.test import Client
from django.utils import timezone

from postbacks.admin.integrations.owners import kind_of
from postbacks.delivery.cancel import cancel
from postbacks.delivery.outcomes import Delivered, GaveUp, Judged, Outcome, Retry
from postbacks.egress.answer import Answer
from postbacks.egress.failures import Code, Failure
from postbacks.metrics.fold import fold
from postbacks.models import Attempt, Delivery, Postback, Tally
from tests.support.delivery_rows import claimed, make_answer, make_delivery, make_held, make_lane, prepared, sent

pytestmark = pytest.mark.django_db(transaction=True)

Write = Callable[..., None]
LOG = "/admin/postbacks/delivery/"
_LINK = re.compile(rf'<a [^>]*href="({re.escape(LOG)}\?[^"]*)"[^>]*>\s*([\d,]+)(?![\d-])')
_ROW = 'name="chosen" value="'


@pytest.fixture
def network(write: Write, postback: Postback) -> Postback:
    """A network's postback. It and the partner's, which is failing, have what the engine wrote, some of it folded."""
    network = make_lane()
    _fail(write, postback, 4, "No success rule matched: expected ok in the body.")
    fold()
    _fail(write, postback, 60, "No success rule matched: expected ok in the body.")  # More than a page.
    write(_attempt(network, Delivered("Status 200 is a success."), make_answer()))
    write(_attempt(network, GaveUp("Status 410 Gone."), make_answer(410)))
    write(_attempt(network, Retry("Status 503 is not a success.", 300.0), make_answer(503)))
    write(_attempt(network, Retry("No answer in time.", 300.0), Failure(Code.TIMEOUT, "No answer in time.")))
    write(Judged(claimed(make_held(network)), GaveUp("It cannot be built."), None))
    cancel([make_delivery(network).pk], "Cancelled.")
    make_delivery(postback)
    return network


def _fail(write: Write, postback: Postback, count: int, reason: str) -> None:
    """Three actions whose deliveries fail once more each: one is given up, the others are tried again."""
    for number in range(count):
        outcome: Outcome = GaveUp(reason) if number % 3 == 0 else Retry(reason, 300.0)
        write(_attempt(postback, outcome, make_answer(200, b"no")))


def _attempt(postback: Postback, outcome: Outcome, answer: Answer | Failure) -> Judged:
    one = claimed(make_held(postback))
    return Judged(one, outcome, sent(prepared(one), answer))


def _pages(postback: Postback, network: Postback) -> list[str]:
    owners = [kind_of(each.owner).url(each.owner) for each in (postback, network)]
    spans = [f"/admin/?span={span}" for span in ("hour", "day", "week")]
    return [*spans, *owners, "/admin/postbacks/postback/", "/admin/postbacks/lane/"]


def _links(client: Client, path: str) -> list[tuple[str, int]]:
    answer = client.get(path)
    assert answer.status_code in (200, 403), path
    return [(unescape(url), int(number.replace(",", ""))) for url, number in _LINK.findall(answer.content.decode())]


def _rows(client: Client, url: str) -> int:
    """How many rows the log shows, on all its pages."""
    count, path = 0, url
    while path:
        text = client.get(path).content.decode()
        assert "No search was made" not in text, url
        count += text.count(_ROW)
        older = re.search(r'href="(\?[^"]*)" rel="next"', text)
        path = f"{LOG}{unescape(older[1])}" if older else ""
    return count


def test_every_number_leads_to_exactly_its_rows(root: Client, postback: Postback, network: Postback) -> None:
    Postback.objects.filter(pk=network.pk).update(paused_at=timezone.now(), pause_reason="410 Gone came three times.")
    found = {path: _links(root, path) for path in _pages(postback, network)}
    again = {path: _links(root, path) for path in found}  # What a later page counts is of a later moment.
    fold(wait=True)

    for path, links in found.items():
        for url, number in links:
            assert _rows(root, url) == number, f"{path} says {number} for {url}"
        folded = [number for _, number in _links(root, path)]
        assert folded == [number for _, number in again[path]], "folding changes no number"

    day = dict(found["/admin/?span=day"])
    assert sorted(day.values(), reverse=True)[:3] == [64, 64, 45], "the rule, of all and of the failing one; what waits"
    assert {number for url, number in day.items() if "reason=unbuildable" in url} == {1}
    assert {number for url, number in day.items() if "reason=timeout" in url} == {1}


def test_who_may_not_see_networks_is_led_only_to_what_the_log_shows_them(
    client: Client, postback: Postback, network: Postback
) -> None:
    user = User.objects.create_user("olga", is_staff=True)
    seen = ["view_delivery", "change_delivery", "view_postback", "view_lane", "view_partner"]
    user.user_permissions.set(Permission.objects.filter(codename__in=seen))
    client.force_login(user)

    walked = 0
    for path in _pages(postback, network):
        for url, number in _links(client, path):
            assert _rows(client, url) == number, f"{path} says {number} for {url}"
            walked += 1
    assert walked >= 8


def test_a_number_does_not_grow_behind_its_link(root: Client, write: Write, postback: Postback) -> None:
    """What ends after the page was read is not among the rows to which it leads."""
    write(_attempt(postback, GaveUp("Status 500 is not a success."), make_answer(500)))
    links = dict(_links(root, "/admin/"))
    write(_attempt(postback, GaveUp("Status 500 is not a success."), make_answer(500)))

    timed = {url: number for url, number in links.items() if "until=" in url}
    assert set(timed.values()) == {1}
    assert {_rows(root, url) for url in timed} == {1}


def test_a_batch_is_counted_at_the_moment_of_its_rows(write: Write, postback: Postback) -> None:
    """A tally of another minute than its rows would be in another window."""
    with transaction.atomic():
        cancel([make_delivery(postback).pk], "Cancelled.")
    write(_attempt(postback, Delivered("Status 200 is a success."), make_answer()))

    ended = set(Delivery.objects.values_list("finished_at", flat=True))
    assert ended == set(Tally.objects.values_list("at", flat=True))
    assert set(Attempt.objects.values_list("recorded_at", flat=True)) <= ended
