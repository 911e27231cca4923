"""The lists of partners, networks, contracts and postbacks: their last day, and how they are filtered."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from partners.models import Partner
from postbacks.admin.integrations.lists import rates_of
from postbacks.lifecycle import pause
from postbacks.models import Lane, Postback, Rollup
from tests.support.factories import (
    make_contract,
    make_media_source,
    make_partner,
    make_postback,
    make_program,
    make_term,
    make_tracker,
)

pytestmark = pytest.mark.django_db

PARTNERS, NETWORKS = "admin:partners_partner_changelist", "admin:optimize_sources_mediasource_changelist"
CONTRACTS, POSTBACKS = "admin:partners_contract_changelist", "admin:postbacks_postback_changelist"


@pytest.fixture
def summit() -> dict[str, Any]:
    """Two programs, partners of each, a network, and postbacks in all states."""
    summit, harbor = make_program(name="Summit"), make_program(name="Harbor")
    sale, lead = make_tracker(summit), make_tracker(harbor)
    well, held, bare = (make_partner(name=name) for name in ("Well", "Held", "Bare"))
    make_term(sale, well)
    make_term(lead, held, contract=make_contract(held, harbor, start=date(2020, 1, 1), end=date(2021, 1, 1)))
    make_contract(bare, harbor, start=date(2099, 1, 1))
    network = make_media_source(name="Ledger")
    active, stopped = make_postback(sale, well, name="active"), make_postback(sale, well, name="paused")
    pause(stopped)
    down = make_postback(lead, held, name="held")
    now = timezone.now()
    Lane.objects.update_or_create(postback=down, defaults={"held_since": now, "probe_at": now})
    make_postback(lead, network, name="of the network")
    add_sums(active, delivered=3, failed=1)
    return {"summit": summit.pk, "harbor": harbor.pk, "network": network.pk}


def add_sums(postback: Postback, delivered: int, failed: int) -> None:
    """In the current hour, and in one that is too long ago."""
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    for at in (hour, hour - timedelta(hours=24)):
        sums = {"attempts": delivered + failed, "delivered": delivered, "failed": failed}
        Rollup.objects.create(period=Rollup.Period.HOUR, at=at, postback_key=postback.pk, **sums)


def names(client: Client, page: str, query: str) -> set[str]:
    rows = client.get(f"{reverse(page)}?{query}").context["cl"].result_list
    return {str(getattr(row, "name", None) or row.partner.name) for row in rows}


@pytest.mark.parametrize(
    ("page", "query", "found"),
    [
        (PARTNERS, "of_program={summit}", {"Well"}),
        (PARTNERS, "of_program={harbor}", {"Held", "Bare"}),
        (PARTNERS, "of_program=77777", set()),
        (PARTNERS, "of_program=nonsense", set()),
        (PARTNERS, "state=held", {"Held"}),
        (PARTNERS, "state=paused", {"Well"}),
        (PARTNERS, "state=none", {"Bare"}),
        (PARTNERS, "state=nonsense", {"Well", "Held", "Bare"}),
        (NETWORKS, "of_program={harbor}", {"Ledger"}),
        (NETWORKS, "of_program={summit}", set()),
        (NETWORKS, "state=none", set()),
        (CONTRACTS, "of_program={harbor}", {"Held", "Bare"}),
        (CONTRACTS, "state=running", {"Well"}),
        (CONTRACTS, "state=ended", {"Held"}),
        (CONTRACTS, "state=to-come", {"Bare"}),
        (CONTRACTS, "state=empty", {"Bare"}),
        (POSTBACKS, "of_program={summit}", {"active", "paused"}),
        (POSTBACKS, "of_network=any", {"of the network"}),
        (POSTBACKS, "of_network=none&state=active", {"active", "held"}),
        (POSTBACKS, "of_network={network}", {"of the network"}),
        (POSTBACKS, "of_network=nonsense", set()),
    ],
)
def test_lists_are_filtered(root: Client, summit: dict[str, Any], page: str, query: str, found: set[str]) -> None:
    assert names(root, page, query.format(**summit)) == found


@pytest.mark.usefixtures("summit")
def test_lists_show_the_last_day(root: Client) -> None:
    for page, name in ((PARTNERS, "Well"), (CONTRACTS, "Well"), (POSTBACKS, "active")):
        rows = root.get(reverse(page)).context["cl"].result_list
        (row,) = (each for each in rows if name in str(each))
        shown = row.row if page == POSTBACKS else row.figures
        assert (shown.sent.count if page == POSTBACKS else shown.sums.attempts) == 4, page
        assert "75.0 % <small>of deliveries" in rates_of(shown), page
    text = root.get(reverse(PARTNERS)).content.decode()
    assert "1 paused, 1 active" in text
    assert "1 held" in text


@pytest.mark.usefixtures("summit")
def test_a_list_takes_as_many_queries_however_long_it_is(root: Client) -> None:
    def queries() -> dict[str, int]:
        counts = {}
        for page in (PARTNERS, CONTRACTS, POSTBACKS, NETWORKS):
            with CaptureQueriesContext(connection) as captured:
                root.get(reverse(page))
            counts[page] = len(captured)
        return counts

    queries()  # What is kept in memory from the first page on.
    few = queries()
    tracker = Postback.objects.all()[0].action_tracker
    for number in range(20):
        partner = make_partner()
        make_term(tracker, partner)
        add_sums(make_postback(tracker, partner), delivered=number, failed=0)
        make_postback(tracker, make_media_source())
    assert queries() == few


@pytest.mark.usefixtures("summit")
def test_who_may_not_see_postbacks_or_networks_sees_nothing_of_them_in_a_list(client: Client) -> None:
    user = User.objects.create_user("someone", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_partner", "view_contract"]))
    client.force_login(user)
    for page in (PARTNERS, CONTRACTS):
        text = client.get(reverse(page)).content.decode()
        assert "Sent in 24 h" not in text
        assert "Pause all" not in text
    partner = Partner.objects.get(name="Well")
    assert (
        reverse("admin:partners_partner_change", args=(partner.pk,)) in client.get(reverse(PARTNERS)).content.decode()
    )

    user.user_permissions.set(Permission.objects.filter(codename__in=["view_partner", "view_postback"]))
    text = client.get(reverse(POSTBACKS)).content.decode()
    assert "active" in text
    assert "Ledger" not in text
