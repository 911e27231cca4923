"""The buttons of a link's page in the admin: they make, replace and withdraw its token for the partner API."""

from __future__ import annotations

import re

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from accounts.audit.words import history_of
from accounts.roles.table import Role
from accounts.roles.users import create_user
from portal import links
from portal.models import PartnerLink
from tests.portal.test_partner_link_command import is_taken

pytestmark = pytest.mark.django_db


def enter(client: Client, role: Role) -> Client:
    create_user("olga", role)
    client.force_login(User.objects.get(username="olga"))
    return client


def url(link: PartnerLink, page: str) -> str:
    return reverse(f"admin:portal_partnerlink_{page}", args=(link.pk,))


def made(client: Client, link: PartnerLink) -> str:
    answer = client.post(url(link, "make_token"), follow=True)
    (token,) = re.findall(r"<code>(pl_[\w-]+)</code>", answer.content.decode())
    return str(token)


def test_an_operator_makes_replaces_and_withdraws_it(client: Client, link: PartnerLink) -> None:
    operator, page = enter(client, Role.OPERATOR), url(link, "change")
    assert "Make a token" in operator.get(page).content.decode()
    first = made(operator, link)
    assert is_taken(first)
    shown = operator.get(page).content.decode()
    assert "Replace the token" in shown
    assert first not in shown
    second = made(operator, link)
    assert [is_taken(each) for each in (first, second)] == [False, True]

    operator.post(url(link, "take_token"))

    assert not is_taken(second)
    said = [each.what for each in history_of(link)]
    assert "Has a new token for the partner API" in said
    assert "Its token for the partner API was withdrawn" in said
    assert first not in str(list(LogEntry.objects.values_list("changes", "additional_data")))


def test_a_link_that_is_not_in_force_gets_none(client: Client, link: PartnerLink) -> None:
    operator = enter(client, Role.OPERATOR)
    links.revoke(link)
    assert "Make a token" not in operator.get(url(link, "change")).content.decode()
    assert "No token was made" in operator.post(url(link, "make_token"), follow=True).content.decode()
    link.refresh_from_db()
    assert link.api_token_sha256 is None


def test_a_viewer_makes_none(client: Client, link: PartnerLink) -> None:
    viewer = enter(client, Role.VIEWER)
    assert [viewer.post(url(link, page)).status_code for page in ("make_token", "take_token")] == [403, 403]
    assert viewer.get(url(link, "make_token")).status_code == 405
