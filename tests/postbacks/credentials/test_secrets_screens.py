"""Secrets in the admin: typed once, masked ever after, and for nobody but the receiver that they were given for."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from postbacks.admin.integrations.copying import copy_to
from postbacks.credentials.secrets.cipher import decrypt, encrypt
from postbacks.models import Postback
from tests.support.factories import make_media_source, make_postback, make_tracker
from tests.support.receiver import Arrival, Response, ScriptedReceiver
from value_types.networks import parse_networks
from value_types.secret_text import MASK

pytestmark = pytest.mark.django_db

VALUE = "Bearer t0ken-of-the-test"
URL = "https://receiver.example/in"


@pytest.fixture
def guarded() -> Postback:
    return make_postback(
        make_tracker(), make_media_source(), url=URL, secret_headers=[["Authorization", encrypt(VALUE)]]
    )


def fields(postback: Postback, **more: str) -> dict[str, Any]:
    return {
        "action_tracker": postback.action_tracker_id,
        "event_trigger": "always",
        "scope": "all",
        "url": postback.url,
        "method": "GET",
        "name": postback.name,
        "secret_headers": f"Authorization: {MASK}",
        **more,
    }


def page(postback: Postback) -> str:
    return reverse("admin:postbacks_postback_change", args=[postback.pk])


def values(postback: Postback) -> list[tuple[str, str]]:
    postback.refresh_from_db()
    return [(name, decrypt(token)) for name, token in postback.secret_headers]


def test_the_form_shows_the_mask_and_keeps_the_value_that_is_left(root: Client, guarded: Postback) -> None:
    shown = root.get(page(guarded)).content.decode()
    assert f"Authorization: {MASK}" in shown
    assert "t0ken" not in shown
    assert guarded.secret_headers[0][1] not in shown

    stored = guarded.secret_headers
    assert root.post(page(guarded), fields(guarded)).status_code == 302
    guarded.refresh_from_db()
    assert guarded.secret_headers == stored
    assert (
        root.post(page(guarded), fields(guarded, secret_headers=f"Authorization: {MASK}\nX-Key: new")).status_code
        == 302
    )
    assert values(guarded) == [("Authorization", VALUE), ("X-Key", "new")]
    assert root.post(page(guarded), fields(guarded, secret_headers="X-Key: newer")).status_code == 302
    assert values(guarded) == [("X-Key", "newer")]
    assert root.post(page(guarded), fields(guarded, secret_headers="")).status_code == 302
    assert values(guarded) == []
    assert "new" not in " ".join(LogEntry.objects.values_list("change_message", flat=True))


def test_a_kept_value_does_not_follow_the_url_to_another_host(root: Client, guarded: Postback) -> None:
    answer = root.post(page(guarded), fields(guarded, url="https://elsewhere.example/in"))
    errors = answer.context["adminform"].form.errors
    assert list(errors) == ["secret_headers"]
    assert "The URL names another receiver" in errors["secret_headers"][0]
    assert values(guarded) == [("Authorization", VALUE)]


def test_who_may_only_look_sees_names(client: Client, guarded: Postback) -> None:
    user = User.objects.create_user("viewer", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_postback", "view_mediasource"]))
    client.force_login(user)
    shown = client.get(page(guarded)).content.decode()
    assert f"Authorization: {MASK}" in shown
    assert guarded.secret_headers[0][1] not in shown


def test_save_and_add_another_asks_for_the_values_again(root: Client, guarded: Postback) -> None:
    url = f"{reverse('admin:postbacks_postback_add')}?media_source={guarded.media_source_id}&like={guarded.pk}"
    form = root.get(url).context["adminform"].form
    assert form["secret_headers"].value() == "Authorization: "
    answer = root.post(url, fields(guarded, name="another", secret_headers="Authorization: "))
    assert answer.context["adminform"].form.errors == {
        "secret_headers": ["line 1: The value of Authorization is missing. Type it, or take the line out."]
    }


def test_a_copy_takes_its_headers_along_but_no_signing_key(guarded: Postback) -> None:
    guarded.signing_key = guarded.previous_signing_key = encrypt("whsec_x")
    guarded.save()
    copied = copy_to([guarded], [make_media_source()])
    assert copied.skipped == []
    copy = Postback.objects.get(pk=copied.made[0].pk)
    assert values(copy) == [("Authorization", VALUE)]
    assert (copy.signing_key, copy.previous_signing_key) == ("", "")


def test_the_preview_masks_and_a_test_sends_the_kept_value_to_its_receiver_only(
    root: Client, guarded: Postback, settings: Settings
) -> None:
    settings.POSTBACKS_ALLOWED_NETWORKS = parse_networks(["127.0.0.0/8"])

    def echo(arrival: Arrival) -> Response:
        return Response(body=f"you sent {arrival.headers['Authorization']}".encode())

    with ScriptedReceiver(echo) as receiver, ScriptedReceiver() as elsewhere:
        Postback.objects.filter(pk=guarded.pk).update(url=f"{receiver.url}/in")
        guarded.refresh_from_db()
        asked = {
            **fields(guarded),
            "media_source": guarded.media_source_id,
            "test_send_postback": guarded.pk,
        }
        preview = root.post(reverse("admin:postbacks_postback_preview"), asked)
        assert preview.json()["request"]["headers"]["Authorization"] == MASK
        sent = root.post(reverse("admin:postbacks_postback_test"), asked)
        assert [arrival.headers["Authorization"] for arrival in receiver.wait_for(1)] == [VALUE]
        assert sent.json()["answer"]["body"] == f"you sent {MASK}"
        stolen = root.post(reverse("admin:postbacks_postback_test"), {**asked, "url": f"{elsewhere.url}/in"})
        assert "another receiver" in stolen.json()["errors"]["secret_headers"][0]
        unsaved = root.post(reverse("admin:postbacks_postback_test"), {**asked, "test_send_postback": ""})
        assert unsaved.json()["errors"]["secret_headers"] == ["No value of Authorization is kept. Type it."]
        assert elsewhere.arrivals == []
        assert len(receiver.arrivals) == 1
    for answer in (preview, sent, stolen, unsaved):
        assert "t0ken" not in answer.content.decode()
