"""Pausing and resuming all postbacks of an owner."""

from __future__ import annotations

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from partners.models import Partner
from postbacks.admin.integrations.owners import kind_of
from postbacks.admin.integrations.together import RESUME, question
from postbacks.lifecycle import pause
from postbacks.models import Postback
from tests.support.factories import (
    make_media_source,
    make_partner,
    make_postback,
    make_program,
    make_term,
    make_tracker,
    record_action,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client: Client) -> Client:
    user = User.objects.create_user("ada", is_staff=True)
    user.groups.add(Group.objects.get(name="operator"))
    client.force_login(user)
    return client


@pytest.fixture
def three(partner: Partner) -> list[Postback]:
    """Three postbacks of a partner; the last had been paused before."""
    tracker = partner.contracts.get().terms.get().action_tracker
    rows = [make_postback(tracker, partner, name=name) for name in ("One", "Two", "Three")]
    pause(rows[2])
    return rows


def paused(rows: list[Postback]) -> list[str]:
    found = Postback.objects.filter(pk__in=[each.pk for each in rows], paused_at__isnull=False)
    return sorted(found.values_list("name", flat=True))


@pytest.mark.usefixtures("empty_redis")
def test_all_are_paused_and_only_those_are_resumed(operator: Client, partner: Partner, three: list[Postback]) -> None:
    other = make_postback(three[0].action_tracker, make_media_source())
    kind = kind_of(partner)
    asked = operator.get(kind.together_url(partner, "pause")).content.decode()
    assert f"Pause 2 postbacks of {partner.name}?" in asked
    assert paused(three) == ["Three"]

    operator.post(kind.together_url(partner, "pause"))
    assert paused(three) == ["One", "Three", "Two"]
    other.refresh_from_db()
    assert other.paused_at is None
    entry = LogEntry.objects.filter(object_pk=str(three[0].pk)).latest("pk")
    assert "paused_at" in (entry.changes or {})
    assert (entry.additional_data or {})["by"] == "ada"

    asked = operator.get(kind.together_url(partner, "resume")).content.decode()
    assert f"Resume 2 postbacks of {partner.name}?" in asked
    assert "1 stays paused" in asked
    operator.post(kind.together_url(partner, "resume"))
    assert paused(three) == ["Three"]


def test_where_none_was_paused_together_those_are_resumed_that_a_person_paused(three: list[Postback]) -> None:
    Postback.objects.filter(pk=three[1].pk).update(paused_at=three[1].created_at, pause_reason="It answered 410 Gone.")
    owner = three[0].owner

    found = question(owner, RESUME)

    assert ([each.name for each in found.chosen], [each.name for each in found.left]) == (["Three"], ["Two"])


def test_an_owners_page_takes_as_many_queries_however_many_postbacks_it_has(root: Client) -> None:
    partner, program = make_partner(), make_program()

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            answer = root.get(reverse("admin:partners_partner_partner_integration", args=(partner.pk,)))
        assert answer.status_code == 200
        return len(captured)

    trackers = [make_tracker(program) for _ in range(8)]
    make_term(trackers[0], partner)
    make_postback(trackers[0], partner)
    record_action(trackers[0], partner)
    queries()  # What is kept in memory from the first page on.
    few = queries()
    for tracker in trackers[1:]:
        make_term(tracker, partner)
        make_postback(tracker, partner)
        make_postback(tracker, partner)
        record_action(tracker, partner)
    assert queries() <= few  # One less where the newest deliveries fill the page.
