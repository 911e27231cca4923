"""The pages of channels: what is stored, what is shown to whom, what the history says."""

from __future__ import annotations

import json
from typing import Any

import pytest
import responses
from auditlog.models import LogEntry
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.roles.table import Role
from notices.addresses import address_of
from notices.events import Event
from notices.models import Channel, Message, Notice
from notices.telling import News, tell
from tests.support.channels import SLACK_URL, make_channel
from value_types.secret_text import MASK

pytestmark = pytest.mark.django_db
ADD = "/admin/notices/channel/add/"


def typed(**fields: Any) -> dict[str, Any]:
    usual = {"name": "Operators", "kind": "slack", "address": SLACK_URL, "active": "on", "events": ["held", "failing"]}
    return {**usual, "every_program": "on", "quiet_hours": "24", "digest_hour": "", **fields}


def page_of(channel: Channel, verb: str = "change") -> str:
    return reverse(f"admin:notices_channel_{verb}", args=(channel.pk,))


def signed_in(role: Role) -> Client:
    user = User.objects.create_user(str(role), is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


def test_an_address_is_stored_encrypted_and_shown_to_nobody(root: Client) -> None:
    assert root.post(ADD, typed()).status_code == 302
    channel = Channel.objects.get()
    assert SLACK_URL not in channel.address
    assert address_of(channel) == SLACK_URL
    assert channel.events == ["held", "failing"]
    for path in (page_of(channel), page_of(channel, "history"), "/admin/notices/channel/"):
        text = root.get(path).content.decode()
        assert "s3cr3t" not in text
        assert "hooks.slack.example" not in text
        assert channel.address not in text
    assert MASK in root.get(page_of(channel)).content.decode()
    changes = json.dumps([entry.changes for entry in LogEntry.objects.filter(object_repr="Operators")])
    assert "hooks.slack" not in changes
    assert channel.address not in changes


def test_a_masked_address_stays_and_follows_to_no_other_kind(root: Client) -> None:
    root.post(ADD, typed())
    channel = Channel.objects.get()
    before = channel.address
    assert root.post(page_of(channel), typed(name="Night", address=MASK)).status_code == 302
    channel.refresh_from_db()
    assert (channel.name, channel.address) == ("Night", before)
    for fields in ({"kind": "webhook"}, {"kind": "slack", "address": f"https://x.example/{MASK}"}, {"address": ""}):
        answer = root.post(page_of(channel), typed(**{"address": MASK, **fields}))
        assert answer.status_code == 200, fields
    channel.refresh_from_db()
    assert (channel.kind, channel.address) == ("slack", before)


@pytest.mark.parametrize(
    ("kind", "address"),
    [
        ("slack", "hooks.slack.com/services/x"),
        ("slack", "ftp://hooks.slack.com/x"),
        ("teams", "http://127.0.0.1/secret-path"),
        ("webhook", "https://[::1]/secret-path"),
        ("webhook", "https://ops.example:22/secret-path"),
        ("webhook", "https://ops.example/a secret-path"),
        ("webhook", "https://ops.example/" + "x" * 5000),
        ("email", "ops@shop.example, secret-path"),
        ("email", ","),
        ("email", "a@b.example\nBcc: secret-path"),
    ],
)
def test_an_address_that_cannot_work_is_refused_without_quoting_it(root: Client, kind: str, address: str) -> None:
    answer = root.post(ADD, typed(kind=kind, address=address))
    assert answer.status_code == 200
    errors = answer.context["adminform"].form.errors
    assert set(errors) == {"address"}
    assert "secret-path" not in str(errors)
    assert not Channel.objects.exists()


def test_programs_are_all_or_chosen(root: Client) -> None:
    assert root.post(ADD, typed(every_program="")).status_code == 200
    assert not Channel.objects.exists()


@responses.activate
def test_the_test_says_what_the_other_side_answered(root: Client) -> None:
    channel = make_channel(name="Operators")
    responses.post(SLACK_URL, status=404, body="no_service")
    page = root.post(page_of(channel, "test"), follow=True).content.decode()
    assert "The test did not get through. Answered 404: no_service" in page
    assert "Failing since" in page
    responses.replace(responses.POST, SLACK_URL, body="ok")
    page = root.post(page_of(channel, "test"), follow=True).content.decode()
    assert "The test was sent. Answered 200: ok" in page
    assert "Failing since" not in page
    assert "Test of the channel “Operators”" in json.loads(responses.calls[0].request.body or b"")["text"]


@responses.activate
def test_a_channel_that_is_corrected_is_tried_at_once(root: Client) -> None:
    from notices.sending.rounds import go_round

    responses.post(SLACK_URL, status=404)
    channel = make_channel()
    tell(News(Event.IMPORT, "import:1", "Import ended", "", "/admin/"))
    go_round()
    assert go_round() == 0
    responses.post("https://hooks.slack.example/right", body="ok")
    root.post(page_of(channel), typed(address="https://hooks.slack.example/right"))
    assert go_round() == 1
    assert Message.objects.get().told


def test_a_webhook_gets_a_key_that_is_shown_once(root: Client) -> None:
    page = root.post(ADD, typed(kind="webhook", address="https://ops.example/in"), follow=True).content.decode()
    channel = Channel.objects.get()
    assert page.count("whsec_") == 1
    assert "whsec_" not in root.get(page_of(channel)).content.decode()
    before = channel.signing_key
    page = root.post(page_of(channel, "new_key"), follow=True).content.decode()
    channel.refresh_from_db()
    assert page.count("whsec_") == 1
    assert channel.signing_key != before
    assert "whsec_" not in json.dumps([entry.changes for entry in LogEntry.objects.all()])


def test_operators_see_names_and_no_addresses(settings: Settings) -> None:
    channel = make_channel(name="Operators", last_answer="Answered 404: no_service")
    client = signed_in(Role.OPERATOR)
    page = client.get(page_of(channel)).content.decode()
    assert "Operators" in page
    for secret in (MASK, "hooks.slack.example", channel.address, 'name="address"', "Send test"):
        assert secret not in page
    assert "hooks.slack" not in client.get("/admin/notices/channel/").content.decode()
    assert client.post(page_of(channel, "test")).status_code == 403
    assert signed_in(Role.VIEWER).get("/admin/notices/channel/").status_code == 403


def test_a_channel_goes_with_what_it_was_told(root: Client) -> None:
    channel = make_channel()
    tell(News(Event.IMPORT, "import:1", "Import ended", "", "/admin/"))
    assert root.post(page_of(channel, "delete"), {"post": "yes"}).status_code == 302
    assert not Channel.objects.exists()
    assert not Notice.objects.exists()


def test_the_channel_of_the_setting_has_no_address_to_type(root: Client, settings: Settings) -> None:
    settings.POSTBACKS_NOTICE_EMAILS = ["ops@shop.example"]
    channel = make_channel(kind=Channel.Kind.EMAIL, address="", from_settings=True, name="POSTBACKS_NOTICE_EMAILS")
    Channel.objects.filter(pk=channel.pk).update(address="")
    page = root.get(page_of(channel)).content.decode()
    assert 'name="address"' not in page
    assert "ops@shop.example" not in page
    assert root.post(page_of(channel), typed(name=channel.name, digest_hour="8")).status_code == 302
    channel.refresh_from_db()
    assert (channel.kind, channel.address, channel.digest_hour) == ("email", "", 8)
    assert root.post(page_of(channel, "delete"), {"post": "yes"}).status_code == 403


def test_the_list_asks_as_much_for_many_as_for_one(root: Client, django_assert_max_num_queries: Any) -> None:
    for number in range(30):
        make_channel(name=f"Channel {number} of many")
    with django_assert_max_num_queries(14):
        root.get("/admin/notices/channel/")
