"""The versions of a postback: listed, compared, restored; and duplicates of it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from accounts.roles.table import Role
from accounts.roles.users import create_user
from partners.models import ActionTracker, Partner
from postbacks.credentials.signing.renewal import ensure_key
from postbacks.models import Postback
from tests.support.factories import make_media_source, make_partner, make_term, make_tracker
from tests.support.typed_forms import typed

pytestmark = pytest.mark.django_db
SECRET = "Authorization: Bearer s3cr3t-of-the-receiver"


@pytest.fixture
def operator(client: Client) -> Client:
    create_user("olga", Role.OPERATOR)
    client.force_login(User.objects.get(username="olga"))
    return client


def url(page: str, postback: Postback) -> str:
    return reverse(f"admin:postbacks_postback_{page}", args=(postback.pk,))


def form(client: Client, address: str) -> dict[str, Any]:
    return typed(client.get(address).content.decode(), "postback_form")


def save(client: Client, postback: Postback, **fields: Any) -> None:
    answer = client.post(url("change", postback), form(client, url("change", postback)) | fields)
    assert answer.status_code == 302, answer.context["errors"]


def test_a_version_comes_back_as_a_new_change(operator: Client, postback: Postback, tracker: ActionTracker) -> None:
    """With the body, its pairs and all that the form has; the state of now is the newest version then."""
    pairs = "a = {ActionId}\nb = {Oid}"
    save(operator, postback, method="POST", body_format="json", body_kind="pairs", body_pairs=pairs, maximum_requests=7)
    lead = make_tracker(tracker.program, name="Lead")
    make_term(lead, postback.partner)
    other = {"method": "GET", "url": "https://receiver.example/other", "name": "Other", "action_tracker": lead.pk}
    save(operator, postback, maximum_requests="", **other)
    versions = operator.get(url("versions", postback)).context["versions"]
    assert [each.by for each in versions[:2]] == ["olga", "olga"]
    then = versions[1].key

    page = operator.get(f"{url('change', postback)}?version={then}")
    assert "Save makes it a new change" in page.content.decode()
    assert page.context["restored"].lost == []
    shown = typed(page.content.decode(), "postback_form")
    assert operator.post(url("change", postback), shown).status_code == 302

    postback.refresh_from_db()
    assert (postback.method, postback.body_pairs) == ("POST", [["a", "{ActionId}"], ["b", "{Oid}"]])
    assert (postback.maximum_requests, postback.action_tracker) == (7, tracker)
    assert len(operator.get(url("versions", postback)).context["versions"]) == len(versions) + 1


def test_two_versions_are_compared(operator: Client, postback: Postback) -> None:
    save(operator, postback, url="https://receiver.example/one", event_trigger="new")
    save(operator, postback, url="https://receiver.example/two")
    save(operator, postback, url="https://receiver.example/three", secret_headers=SECRET)
    first, second, third = (each.key for each in operator.get(url("versions", postback)).context["versions"][:3])

    page = operator.get(url("versions", postback), {"before": third, "after": first})
    told = {each.name: (each.before, each.after) for each in page.context["differences"]}
    assert told["URL"] == ("https://receiver.example/one", "https://receiver.example/three")
    assert "s3cr3t" not in page.content.decode()
    assert [each.name for each in operator.get(url("versions", postback)).context["differences"]] == [
        *("Secret headers", "URL"),
    ]
    same = operator.get(url("versions", postback), {"before": second, "after": second}).context["differences"]
    assert same == []


def test_secrets_do_not_come_back_and_do_not_follow_the_url(operator: Client, postback: Postback) -> None:
    """A version from another host: what is kept now is of this receiver, and has to be typed again."""
    ensure_key(postback)
    postback.save()
    key = postback.signing_key
    save(operator, postback, url="https://before.example/in")
    save(operator, postback, url="https://now.example/in", secret_headers=SECRET)
    then = operator.get(url("versions", postback)).context["versions"][1].key

    page = operator.get(f"{url('change', postback)}?version={then}")
    assert page.context["restored"].lost == ["Secret headers", "Signing key"]
    refused = operator.post(url("change", postback), typed(page.content.decode(), "postback_form"))
    assert "secret_headers" in refused.context["adminform"].form.errors

    postback.refresh_from_db()
    assert (postback.url, postback.signing_key) == ("https://now.example/in", key)


def test_a_viewer_compares_and_does_not_restore(client: Client, postback: Postback) -> None:
    create_user("vera", Role.VIEWER)
    client.force_login(User.objects.get(username="vera"))
    page = client.get(url("versions", postback))
    assert page.status_code == 200
    assert "Restore" not in page.content.decode()


def test_a_duplicate_for_another_partner_has_everything_but_the_secrets(
    operator: Client, postback: Postback, tracker: ActionTracker, partner: Partner
) -> None:
    save(
        operator, postback, method="POST", body_format="json", body_kind="raw", body_raw='{"a": 1}', maximum_requests=3
    )
    save(operator, postback, secret_headers=SECRET)
    other = make_partner(name="Harbor")
    make_term(tracker, other)

    address = f"{reverse('admin:postbacks_postback_add')}?like={postback.pk}"
    page = operator.get(address).content.decode()
    copied = typed(page, "postback_form")
    assert "Values of secret headers are not copied" in page
    assert "s3cr3t" not in page
    assert copied["action_tracker"] == [str(tracker.pk)]
    answer = operator.post(address, copied | {"partner": other.pk, "secret_headers": "Authorization: of-harbor"})
    assert answer.status_code == 302, answer.context["errors"]

    made = Postback.objects.get(partner=other)
    assert (made.name, made.body_raw, made.maximum_requests) == (postback.name, '{"a": 1}', 3)
    assert made.secret_headers != Postback.objects.get(pk=postback.pk).secret_headers
    assert not made.signed


def test_a_duplicate_for_a_network(operator: Client, postback: Postback) -> None:
    network = make_media_source(name="Ledger")
    address = f"{reverse('admin:postbacks_postback_add')}?like={postback.pk}"

    answer = operator.post(address, form(operator, address) | {"media_source": network.pk})

    assert answer.status_code == 302, answer.context["errors"]
    assert Postback.objects.get(media_source=network).url == postback.url
