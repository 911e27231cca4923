"""The history of the configuration: fields before and after, and who changed them; no secrets."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.audit.words import Change, history_of
from accounts.roles.groups import write_roles
from accounts.roles.table import Role
from accounts.roles.users import create_user
from actions.api.tokens import create_token, revoke
from actions.models import ApiToken
from partners.models import AttributionRule
from postbacks.credentials.signing.renewal import ensure_key
from postbacks.lifecycle import delete_postback, pause, resume
from postbacks.models import Postback
from tests.support.factories import (
    make_media_source,
    make_partner,
    record_action,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("history")]

HEADERS = "Authorization: Bearer s3cr3t-of-ledger"
FORM = {
    "event_trigger": "always",
    "scope": "all",
    "method": "POST",
    "body_format": "json",
    "body_kind": "pairs",
    "body_pairs": "id = {ActionId}",
    "minimum_delay_seconds": "0",
    "name": "Sales",
}


@pytest.fixture
def ada(client: Client) -> User:
    create_user("ada", Role.OPERATOR)
    user = User.objects.get(username="ada")
    client.force_login(user)
    return user


def page_of(client: Client, row: Any) -> str:
    address = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_history", args=(row.pk,))
    return client.get(address).content.decode()


def test_a_change_in_the_form_is_kept_field_by_field_with_its_author(
    client: Client, ada: User, postback: Postback
) -> None:
    fields = {**FORM, "action_tracker": postback.action_tracker_id, "url": "https://compass.example/v2"}
    address = reverse("admin:postbacks_postback_change", args=(postback.pk,))
    assert client.post(address, {**fields, "maximum_requests": "5"}).status_code == 302

    newest, added = history_of(postback)

    assert (newest.by, newest.what) == ("ada", "Changed")
    assert newest.changes == [
        Change("Body format", "", "JSON"),
        Change("Body pairs", "", "id: {ActionId}"),
        Change("HTTP method", "GET", "POST"),
        Change("Maximum Requests", "", "5"),
        Change("URL", "https://compass.example/in?id={ActionId}", "https://compass.example/v2"),
    ]
    assert added.what == "Added"
    assert Change("Event type", "", str(postback.action_tracker)) in added.changes
    shown = page_of(client, postback)
    assert "by ada" in shown
    assert "https://compass.example/v2" in shown


def test_conditions_are_told_as_they_are_typed(postback: Postback) -> None:
    postback.conditions = [
        {"parameter": "Amount", "operator": "at least", "values": ["50"]},
        {"parameter": "Items.Category", "operator": "one of", "values": ["Tents", "Bags"], "items": "every"},
        {"of": "another release"},
    ]
    postback.save()

    expected = "Amount at least 50\nevery Items.Category one of Tents, Bags\n{'of': 'another release'}"
    assert history_of(postback)[0].changes == [Change("Conditions", "", expected)]


def test_what_is_saved_as_it_was_is_no_change(postback: Postback) -> None:
    postback.save()

    assert [entry.what for entry in history_of(postback)] == ["Added"]


def test_a_reference_is_kept_by_the_name_of_then_and_asked_for_only_where_it_changed(postback: Postback) -> None:
    old, new = postback.partner, make_partner(name="Harbor")
    assert old is not None
    postback = Postback.objects.select_related("partner").get()
    postback.url += "&more"
    with CaptureQueriesContext(connection) as captured:
        postback.save()
    postback.partner = new
    postback.save()

    old.name = "Renamed"
    old.save()

    assert len(captured) == 3  # The row before, the entry, the row.
    assert Change("Partner", f"Compass ({old.pk})", f"Harbor ({new.pk})") in history_of(postback)[0].changes


def test_pausing_resuming_and_deleting_say_so(client: Client, ada: User, postback: Postback) -> None:
    client.post(reverse("admin:postbacks_postback_pause", args=(postback.pk,)))
    Postback.objects.filter(pk=postback.pk).update(pause_reason="The receiver answered 410.")  # As the engine does it.
    resume(Postback.objects.get(pk=postback.pk))
    postback.refresh_from_db()
    pause(postback)
    delete_postback(postback)

    entries = history_of(postback)

    assert [entry.what for entry in entries if entry.changes] == ["Deleted", "Paused", "Resumed", "Paused", "Added"]
    resumed = entries[2]
    assert Change("Pause reason", "The receiver answered 410.", "") in resumed.changes


def test_no_secret_is_in_the_history(client: Client, ada: User, postback: Postback) -> None:
    fields = {**FORM, "action_tracker": postback.action_tracker_id, "url": postback.url, "secret_headers": HEADERS}
    address = reverse("admin:postbacks_postback_change", args=(postback.pk,))
    assert client.post(address, fields).status_code == 302
    postback.refresh_from_db()
    ensure_key(postback)
    postback.save()
    token, text = create_token("Shop")
    user = User.objects.create_user("grace", password="plank-otter-9-violet")
    user.set_password("violet-otter-9-plank")
    user.save()
    AttributionRule.objects.create(key="customer_id", value="customer-77", partner=make_partner())

    kept = json.dumps(list(LogEntry.objects.values("changes", "object_repr", "additional_data", "changes_text")))

    assert Change("Secret headers", "", "Authorization: ••••••••") in history_of(postback)[1].changes
    assert Change("Signing key", "", "••••••••") in history_of(postback)[0].changes
    assert Change("Password", "••••••••", "••••••••") in history_of(user)[0].changes
    for secret in (
        *("s3cr3t", text, token.token_sha256, "customer-77", "violet-otter", user.password, postback.signing_key),
        *(encrypted for _name, encrypted in postback.secret_headers),
    ):
        assert secret not in kept, secret


def test_a_token_s_use_is_no_change_and_revoking_it_is(ada: User) -> None:
    token, _text = create_token("Shop")
    ApiToken.objects.get().save()
    revoke(token)

    assert [entry.what for entry in history_of(token)] == ["Revoked", "Added"]


@pytest.mark.parametrize("program", ["/srv/manage.py", "/usr/bin/partner-postbacks", "/srv/config/command_line.py"])
def test_what_a_command_changes_bears_its_name_and_that_of_the_account(
    postback: Postback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    document = tmp_path / "config.yaml"
    call_command("dump_config", stdout=(file := document.open("w")))
    file.close()
    document.write_text(document.read_text().replace("compass.example/in", "compass.example/v3"))
    monkeypatch.setattr(sys, "argv", [program, "load_config", str(document)])
    monkeypatch.setattr("getpass.getuser", lambda: "deploy")

    call_command("load_config", str(document))

    newest = history_of(postback)[0]
    assert newest.by == "load_config, run by deploy"
    before, after = ("https://compass.example/in?id={ActionId}", "https://compass.example/v3?id={ActionId}")
    assert newest.changes == [Change("URL", before, after)]


def test_roles_that_a_user_gets_and_loses_are_kept(ada: User) -> None:
    ada.groups.set([Group.objects.get(name=Role.VIEWER)])

    changes = [change for entry in history_of(ada) for change in entry.changes if change.name == "Groups"]

    assert changes == [
        Change("Groups", "", "viewer"),
        Change("Groups", "operator", ""),
        Change("Groups", "", "operator"),
    ]


def test_what_nobody_sets_up_leaves_no_history(postback: Postback) -> None:
    before = LogEntry.objects.count()

    record_action(postback.action_tracker, postback.partner)
    write_roles()

    assert LogEntry.objects.count() == before


def test_the_name_of_a_user_who_is_gone_stays(ada: User, client: Client) -> None:
    client.post(reverse("admin:optimize_sources_mediasource_add"), {"name": "Ledger", "type": "Attribution"})
    source = LogEntry.objects.get(content_type__model="mediasource")
    ada.delete()

    source.refresh_from_db()

    assert (source.actor, source.additional_data) == (None, {"by": "ada"})


def test_markup_in_a_name_is_text(client: Client, ada: User) -> None:
    source = make_media_source(name="<b>bold</b>")

    assert "<b>bold" not in page_of(client, source)
    assert "&lt;b&gt;bold" in page_of(client, source)


def test_administrators_see_all_changes_on_one_page(client: Client, postback: Postback) -> None:
    create_user("grace", Role.ADMINISTRATOR)
    client.force_login(User.objects.get(username="grace"))
    entry = LogEntry.objects.get(content_type__model="postback")

    assert "Compass: Sales" in client.get(reverse("admin:auditlog_logentry_changelist")).content.decode()
    assert (
        "URL: empty → https://compass"
        in client.get(reverse("admin:auditlog_logentry_change", args=(entry.pk,))).content.decode()
    )
