"""Who may not see networks reaches nothing of theirs, whatever id an address or a form names."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from accounts.roles.groups import permission_ids
from accounts.roles.table import PERMISSIONS, Role
from actions.models import ActionEvent
from optimize_sources.models import MediaSource
from postbacks.models import Delivery, Postback, Replay
from tests.support.factories import (
    make_media_source,
    make_partner,
    make_postback,
    make_term,
    make_tracker,
    record_action,
)

pytestmark = pytest.mark.django_db

SECRET = "ledger-analytics"


@pytest.fixture
def network(db: None) -> MediaSource:
    return make_media_source(name=SECRET)


@pytest.fixture
def hidden(network: MediaSource) -> Postback:
    """A network's postback, with a delivery, beside a partner's."""
    sale = make_tracker()
    partner = make_partner()
    make_term(sale, partner)
    make_postback(sale, partner, name="Shown")
    hidden = make_postback(sale, network, name=SECRET, url=f"https://{SECRET}.example/in")
    record_action(sale, partner)
    return hidden


@pytest.fixture
def client(client: Client) -> Client:
    """Signed in as one who may do all that operators do, but for networks."""
    user = User.objects.create_user("ada", is_staff=True)
    group = Group.objects.create(name="Engage only")
    wanted = {each for each in PERMISSIONS[Role.OPERATOR] if not each.startswith("optimize_sources.")}
    group.permissions.set(permission_ids(wanted).values())
    user.groups.add(group)
    client.force_login(user)
    return client


def test_no_page_shows_anything_of_a_network(client: Client, hidden: Postback, network: MediaSource) -> None:
    delivery = Delivery.objects.get(postback=hidden)
    event = ActionEvent.objects.get()
    seen = {}
    for path in (
        "/admin/",
        "/admin/postbacks/postback/",
        "/admin/postbacks/postback/?q=ledger",
        f"/admin/postbacks/postback/{hidden.pk}/change/",
        f"/admin/postbacks/postback/{hidden.pk}/delete/",
        f"/admin/postbacks/postback/{hidden.pk}/history/",
        f"/admin/postbacks/postback/add/?media_source={network.pk}",
        f"/admin/postbacks/postback/add/?partner={make_partner().pk}&like={hidden.pk}",
        "/admin/postbacks/delivery/",
        f"/admin/postbacks/delivery/{delivery.pk}/change/",
        f"/admin/postbacks/delivery/{delivery.pk}/history/",
        f"/admin/actions/action/{event.action_id}/change/",
        f"/admin/actions/actionevent/{event.pk}/change/",
        f"/admin/optimize_sources/mediasource/{network.pk}/notifications/",
        f"/admin/optimize_sources/mediasource/{network.pk}/copy/",
        "/admin/postbacks/lane/",
        "/admin/postbacks/replay/add/",
        "/admin/autocomplete/?app_label=postbacks&model_name=postback&field_name=media_source",
        "/admin/search/?q=ledger",
    ):
        answer = client.get(path)
        seen[path] = answer.content.decode().count(SECRET)
        assert answer.status_code < 500, path
    assert {path: count for path, count in seen.items() if count} == {}


@pytest.mark.parametrize("what", ["pause", "resume", "delete", "change"])
def test_a_network_s_postback_is_not_touched_by_its_id(client: Client, hidden: Postback, what: str) -> None:
    before = Postback.objects.filter(pk=hidden.pk).values().get()

    client.post(
        f"/admin/postbacks/postback/{hidden.pk}/{what}/", {"post": "yes", "name": "mine", "url": "https://x.example"}
    )

    assert Postback.objects.filter(pk=hidden.pk).values().get() == before


@pytest.mark.parametrize("action", ["pause_selected", "delete_selected"])
def test_nor_by_choosing_it_in_a_list(client: Client, hidden: Postback, action: str) -> None:
    fields = {"action": action, "_selected_action": [hidden.pk], "post": "yes"}

    client.post("/admin/postbacks/postback/", fields)

    hidden.refresh_from_db()
    assert (hidden.paused_at, hidden.deleted_at) == (None, None)


@pytest.mark.parametrize("what", ["resend", "cancel"])
def test_a_delivery_to_a_network_is_neither_resent_nor_cancelled(client: Client, hidden: Postback, what: str) -> None:
    delivery = Delivery.objects.get(postback=hidden)
    if what == "resend":
        Delivery.objects.filter(pk=delivery.pk).update(state=Delivery.State.FAILED)
    before = list(Delivery.objects.order_by("pk").values())

    client.post(f"/admin/postbacks/delivery/{delivery.pk}/{what}/")
    client.post(f"/admin/postbacks/delivery/{what}/", {"sure": "yes", "ids": str(delivery.pk)})

    assert list(Delivery.objects.order_by("pk").values()) == before


def test_a_postback_is_neither_made_for_a_network_nor_tried_for_one(
    client: Client, hidden: Postback, network: MediaSource
) -> None:
    fields: dict[str, Any] = {
        "media_source": network.pk,
        "action_tracker": hidden.action_tracker_id,
        "url": "https://mine.example/in",
        "method": "GET",
        "event_trigger": "always",
        "scope": "all",
        "body_kind": "pairs",
        "body_pairs": "[]",
        "minimum_delay_seconds": "0",
    }
    for path in ("add/", f"add/?media_source={network.pk}", "preview/", "test/"):
        answer = client.post(f"/admin/postbacks/postback/{path}", fields)
        assert answer.status_code == 403 or b"Select a valid choice" in answer.content, path

    tried = client.post(
        "/admin/postbacks/postback/preview/", {**fields, "media_source": "", "test_send_postback": hidden.pk}
    )

    assert SECRET not in json.dumps(tried.json())
    assert Postback.objects.count() == 2


def test_replays_may_go_to_networks_so_they_take_the_permission(client: Client, hidden: Postback) -> None:
    replay = Replay.objects.create(selection={}, described=SECRET, state=Replay.State.STOPPED)

    for path in ("", "add/", f"{replay.pk}/change/", f"{replay.pk}/history/"):
        assert client.get(f"/admin/postbacks/replay/{path}").status_code == 403, path
    for path in ("add/", f"{replay.pk}/cancel/", f"{replay.pk}/resume/"):
        answer = client.post(f"/admin/postbacks/replay/{path}", {"postback": [hidden.pk], "send": "yes"})
        assert answer.status_code == 403, path

    replay.refresh_from_db()
    assert (Replay.objects.count(), replay.state) == (1, Replay.State.STOPPED)


@pytest.mark.parametrize("key", ["0", "9" * 30, "-1", "1' OR '1'='1", "%00", "../1"])
def test_ids_of_nothing_are_refused_and_break_nothing(client: Client, hidden: Postback, key: str) -> None:
    for page in ("postback", "delivery", "replay", "lane"):
        for verb in ("change", "delete", "history"):
            answer = client.get(f"/admin/postbacks/{page}/{key}/{verb}/")
            assert answer.status_code in (302, 400, 403, 404), f"{page} {verb}: {answer.status_code}"
