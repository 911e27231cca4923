"""What a link allows beyond reading: a test, sending again, pausing, a new key; and nothing without the right."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.audit.words import history_of
from partners.models import Partner
from portal.models import PartnerLink
from postbacks.credentials.secrets.cipher import encrypt
from postbacks.credentials.signing.renewal import ensure_key
from postbacks.lifecycle import PAUSED_BY_OWNER, pause
from postbacks.models import Postback
from tests.portal.opened import make_link, opened, press, texts
from tests.support.receiver import Response, ScriptedReceiver

pytestmark = pytest.mark.django_db


def test_an_owner_pauses_and_resumes(visitor: Client, postback: Postback, link: PartnerLink) -> None:
    page = f"/portal/postbacks/{postback.pk}/"
    assert press(visitor, f"{page}pause/").url == f"{page}?done=paused"
    postback.refresh_from_db()
    assert (postback.paused_at is not None, postback.pause_reason) == (True, PAUSED_BY_OWNER)
    assert "Paused by you" in texts([visitor.get(page)])

    assert press(visitor, f"{page}resume/").url == f"{page}?done=resumed"
    postback.refresh_from_db()
    assert postback.paused_at is None
    assert [(each.what, each.by) for each in history_of(postback)][:2] == [
        ("Resumed", link.author),
        ("Paused", link.author),
    ]


def test_an_owner_does_not_resume_what_we_have_paused(visitor: Client, postback: Postback) -> None:
    pause(postback)

    assert press(visitor, f"/portal/postbacks/{postback.pk}/resume/").url.endswith("?done=changed")

    postback.refresh_from_db()
    assert postback.paused_at is not None
    page = texts([visitor.get(f"/portal/postbacks/{postback.pk}/")])
    assert "Paused by us" in page
    assert "Resume</button>" not in page


def test_a_new_key_is_shown_once_and_a_form_sent_twice_makes_one(visitor: Client, postback: Postback) -> None:
    ensure_key(postback)
    postback.save()
    page = f"/portal/postbacks/{postback.pk}/"
    made_at = visitor.get(page).context["made_at"]

    answer = press(visitor, f"{page}new-key/", page, made_at=made_at)
    again = press(visitor, f"{page}new-key/", page, made_at=made_at)

    key = answer.context["key"]
    assert key in answer.content.decode()
    assert again.url == f"{page}?done=changed"
    assert key not in texts([visitor.get(page)])
    postback.refresh_from_db()
    assert postback.previous_signing_key
    assert any(each.what == "Has a new signing key." for each in history_of(postback))


def test_a_test_goes_where_it_is_set_up_and_shows_no_secret(
    visitor: Client, postback: Postback, settings: Settings
) -> None:
    settings.POSTBACKS_ALLOWED_NETWORKS = [IPv4Network("127.0.0.0/8")]
    with ScriptedReceiver(lambda _arrival: Response()) as receiver:
        _test_goes_where_it_is_set_up(visitor, postback, receiver)


def _test_goes_where_it_is_set_up(visitor: Client, postback: Postback, receiver: ScriptedReceiver) -> None:
    Postback.objects.filter(pk=postback.pk).update(
        url=f"{receiver.url}/in?order={{Oid}}", secret_headers=[["Authorization", encrypt("Bearer of-the-receiver")]]
    )
    page = f"/portal/postbacks/{postback.pk}/"

    answer = press(visitor, f"{page}test/", page, url="https://elsewhere.example/", next="https://elsewhere.example/")

    assert answer.status_code == 200
    (request,) = receiver.wait_for(1, timeout=10)
    assert request.headers["Authorization"] == "Bearer of-the-receiver"
    assert "of-the-receiver" not in answer.content.decode()
    assert "The test that we sent" in answer.content.decode()
    assert any(each.what == "Sent a test." for each in history_of(postback))


def test_stored_secrets_are_never_shown(visitor: Client, postback: Postback) -> None:
    ensure_key(postback)
    postback.secret_headers = [["X-Partner-Key", encrypt("sesame-of-compass")]]
    postback.save()

    page = texts([visitor.get(f"/portal/postbacks/{postback.pk}/")])

    assert "X-Partner-Key: ••••••••" in page
    for secret in ("sesame-of-compass", postback.signing_key, "whsec_"):
        assert secret not in page


@pytest.mark.parametrize("what", ["test", "pause", "resume", "new-key"])
def test_without_the_right_nothing_is_done_or_offered(partner: Partner, postback: Postback, what: str) -> None:
    ensure_key(postback)
    postback.save()
    visitor = opened(make_link(partner))
    page = f"/portal/postbacks/{postback.pk}/"
    before = Postback.objects.values().get()

    answer = press(visitor, f"{page}{what}/", page)

    assert answer.status_code == 403
    assert Postback.objects.values().get() == before
    assert f"{page}{what}/" not in texts([visitor.get(page)])
