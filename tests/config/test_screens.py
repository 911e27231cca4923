"""What all screens share: the navigation by permission, times in the browser's zone, error pages, few queries."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from actions.api.submit import submit
from actions.api.tokens import create_token
from actions.models import Submission
from postbacks.models import Delivery, Postback
from tests.support.factories import (
    make_media_source,
    make_partner,
    make_postback,
    make_program,
    make_rate,
    make_term,
    make_tracker,
    record_action,
)

pytestmark = pytest.mark.django_db

OURS = [model for model in admin.site._registry if model.__module__.split(".")[0] != "django"]
MOST_QUERIES = 28
MANY = 12


def sign_in(client: Client, *codenames: str) -> None:
    user = User.objects.create_user("someone", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(user)


def make_rows(count: int) -> None:
    """One program, event type, partner, network and in-app event with `count` of what belongs to each."""
    program, partner, network = make_program(), make_partner(), make_media_source()
    app = make_tracker(program, in_app_events=[f"EVENT-{number}" for number in range(count)])
    tracker = make_tracker(program)
    make_term(tracker, partner)
    for number in range(count):
        make_term(make_tracker(program), partner)
        make_term(tracker, make_partner())
        make_rate("EUR", f"A{chr(65 + number // 26)}{chr(65 + number % 26)}", "2")
        postback = make_postback(tracker, partner)
        make_postback(app, network, install=True)
        event = record_action(tracker, partner, Items=[{"Sku": "A", "Quantity": 1, "SubTotal": "5.00"}] * 2)
        token, _ = create_token(f"shop {number}")
        submit(token, Submission.Kind.CONVERSION, {"OrderId": "o-1"})
        Delivery.objects.get_or_create(
            postback=postback, event=event, action=event.action, defaults={"due_at": timezone.now()}
        )


def queries_of(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        status = client.get(url).status_code
    assert status in (200, 403), f"{url}: {status}"
    return len(captured)


@pytest.mark.parametrize("count", [1, MANY])
def test_no_page_needs_more_than_28_queries(root: Client, count: int) -> None:
    make_rows(count)
    pages: list[str] = [reverse("admin:index")]
    for model in OURS:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        pages += [reverse(f"{name}_changelist"), reverse(f"{name}_add")]
        row = model._default_manager.order_by("pk").first()
        pages += [reverse(f"{name}_change", args=(row.pk,))] if row else []
    for owner in (Postback.objects.filter(partner__isnull=False).first(), Postback.objects.last()):
        assert owner is not None
        name = "partner" if owner.partner_id else "media_source"
        pages.append(f"{reverse('admin:postbacks_postback_add')}?{name}={getattr(owner, name).pk}")
    pages.append(reverse("admin:partners_partner_partner_integration", args=(_partner_of_all(),)))
    queries_of(root, pages[0])  # What is kept in memory from the first page on.

    counts = {page: queries_of(root, page) for page in pages}

    assert {page: count for page, count in counts.items() if count > MOST_QUERIES} == {}


def _partner_of_all() -> int:
    postback = Postback.objects.filter(partner__isnull=False).first()
    assert postback is not None
    assert postback.partner is not None
    return postback.partner.pk


def shown_in_navigation(client: Client) -> list[str]:
    groups = client.get("/admin/").context["sidebar_navigation"]
    return [item["title"] for group in groups for item in group["items"]]


def test_the_navigation_shows_what_the_user_may_see(client: Client) -> None:
    sign_in(client, "view_partner", "view_postback", "view_delivery")

    assert shown_in_navigation(client) == ["Dashboard", "Partners", "Delivery log", "All postbacks"]


def test_optimize_is_a_permission_of_its_own(client: Client) -> None:
    tracker, network = make_tracker(), make_media_source()
    postback = make_postback(tracker, network)
    sign_in(client, "view_postback", "change_postback")
    listed = reverse("admin:postbacks_postback_changelist")

    assert "Networks" not in shown_in_navigation(client)
    assert list(client.get(listed).context["cl"].queryset) == []
    notifications = reverse("admin:optimize_sources_mediasource_event_notifications", args=(network.pk,))
    assert client.get(notifications).status_code == 403
    assert client.post(reverse("admin:postbacks_postback_pause", args=(postback.pk,))).status_code == 404
    postback.refresh_from_db()
    assert postback.paused_at is None


def test_pausing_takes_a_post_and_the_permission(client: Client) -> None:
    tracker, partner = make_tracker(), make_partner()
    postback = make_postback(tracker, partner)
    url = reverse("admin:postbacks_postback_pause", args=(postback.pk,))
    sign_in(client, "view_postback")

    assert client.get(url).status_code == 405
    assert client.post(url).status_code == 403
    postback.refresh_from_db()
    assert postback.paused_at is None


@pytest.mark.parametrize(
    ("cookie", "shown"),
    [("Europe/Berlin", "13:30"), ("America/New_York", "07:30"), ("../../etc/passwd", "12:30"), ("", "12:30")],
)
def test_times_are_in_the_browsers_zone(root: Client, cookie: str, shown: str) -> None:
    paused_at = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)
    postback = make_postback(make_tracker(), make_partner(), paused_at=paused_at)
    root.cookies["time_zone"] = cookie

    page = root.get(reverse("admin:postbacks_postback_change", args=(postback.pk,))).content.decode()

    assert f"Paused since 2026-11-24 {shown}:00." in page


def test_what_is_not_there_is_told_in_words(root: Client) -> None:
    answer = root.get("/nothing/")

    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()


def test_the_site_has_an_icon(client: Client) -> None:
    assert client.get("/favicon.ico").url == "/static/config/favicon.svg"  # type: ignore[attr-defined]


@pytest.mark.parametrize("page", ["preview", "test"])
def test_only_who_may_set_postbacks_up_may_try_them_out(client: Client, page: str) -> None:
    url = reverse(f"admin:postbacks_postback_{page}")
    sign_in(client, "view_postback", "view_action")

    assert client.post(url, {"url": "https://receiver.example/"}).status_code == 403


@pytest.mark.parametrize("fields", [{"test_send_action": "1.2.3"}, {"media_source": "%"}])
def test_trying_out_shows_nothing_that_the_user_may_not_see(client: Client, fields: dict[str, str]) -> None:
    network = make_media_source()
    sign_in(client, "change_postback")
    asked = {name: value.replace("%", str(network.pk)) for name, value in fields.items()}

    assert client.post(reverse("admin:postbacks_postback_preview"), asked).status_code == 403


def test_a_preview_takes_a_post_and_hides_what_the_event_type_hides(root: Client) -> None:
    url = reverse("admin:postbacks_postback_preview")
    tracker = make_tracker(hidden_parameters=["Oid"])
    network = make_media_source()
    fields = {"action_tracker": tracker.pk, "media_source": network.pk, "url": "https://receiver.example/{Oid}"}

    assert root.get(url).status_code == 405
    answer = root.post(url, fields).json()

    assert answer["errors"] == {}
    assert answer["request"]["url"] == "https://receiver.example/"


def test_a_preview_refuses_what_saving_would_and_shows_nothing_that_was_saved_before(root: Client) -> None:
    postback = make_postback(
        make_tracker(), make_media_source(), method="POST", body_format="json", body_pairs=[["order", "{Oid}"]]
    )
    sent = {
        "action_tracker": postback.action_tracker_id,
        "media_source": postback.media_source_id,
        "method": "POST",
        "url": postback.url,
        "body_format": "json",
        "body_kind": "pairs",
        "body_pairs": "order {Oid}",
        "maximum_requests": "0",
        "test_send_postback": postback.pk,
    }

    answer = root.post(reverse("admin:postbacks_postback_preview"), sent).json()

    assert answer["errors"].keys() == {"body_pairs", "maximum_requests"}
    assert "order" not in str(answer["request"])


def test_a_fixed_owner_cannot_be_changed_by_what_is_sent(root: Client) -> None:
    tracker, partner, other = make_tracker(), make_partner(), make_partner()
    make_term(tracker, partner)
    make_term(tracker, other)
    sent = {
        "partner": other.pk,
        "action_tracker": tracker.pk,
        "event_trigger": "always",
        "url": "https://receiver.example/in",
        "method": "GET",
    }

    for _ in range(2):
        root.post(f"{reverse('admin:postbacks_postback_add')}?partner={partner.pk}", sent)

    saved = Postback.objects.order_by("pk").values_list("partner", "name")
    assert list(saved) == [(partner.pk, tracker.name), (partner.pk, f"{tracker.name} 2")]
