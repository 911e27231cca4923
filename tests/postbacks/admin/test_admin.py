"""The admin: every page opens, mistakes land on their fields, and what is history cannot be edited."""

from datetime import date
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from actions.api.submit import submit
from actions.api.tokens import create_token
from actions.models import Action, ActionEvent, Submission
from partners.models import (
    ActionTracker,
    AttributionRule,
    Contract,
    ContractTerm,
    HeldRate,
    InAppEvent,
    Partner,
    Program,
)
from portal.models import Proposal
from postbacks.admin.form.fields import format_pairs, parse_pairs
from postbacks.lifecycle import delete_postback, pause
from postbacks.models import Attempt, Delivery, Lane, Postback, Replay
from tests.support.channels import make_channel
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
from tests.support.proposals import proposal_for

pytestmark = pytest.mark.django_db

OURS = [model for model in admin.site._registry if model.__module__.split(".")[0] not in ("django", "auditlog")]
HISTORY = [Action, ActionEvent, Delivery, Lane, Submission]


@pytest.fixture
def admin_client(client: Client) -> Client:
    """An administrator, signed in without a password: hashing one takes longer than most tests here."""
    client.force_login(User.objects.create_superuser("administrator"))
    return client


@pytest.fixture
def sale_postback(tracker: ActionTracker, partner: Partner) -> Postback:
    return make_postback(tracker, partner, name="sale", url="https://receiver.example/in?token=secret&id={ActionId}")


@pytest.fixture
def delivery(sale_postback: Postback, tracker: ActionTracker, partner: Partner) -> Delivery:
    """The only delivery there is, with one attempt."""
    event = record_action(tracker, partner, Items=[{"Sku": "A", "Quantity": 1, "SubTotal": "5.00"}], CurrencyCode="USD")
    Delivery.objects.all().delete()
    delivery = Delivery.objects.create(
        postback=sale_postback, event=event, action=event.action, due_at=timezone.now(), attempts_made=1
    )
    Attempt.objects.create(
        delivery=delivery,
        number=1,
        started_at=timezone.now(),
        duration_ms=12,
        succeeded=False,
        reason="Status 500 is not a success",
        method="GET",
        url="https://receiver.example/in?id=1",
        status=500,
        response_body="out of order",
    )
    return delivery


@pytest.fixture
def everything(delivery: Delivery) -> Delivery:
    """A row of every model."""
    make_rate("EUR", "USD", "1.1")
    make_tracker(in_app_events=["INSTALL"])
    make_postback(delivery.action.action_tracker, make_media_source())
    Replay.objects.create(selection={}, described="everything", planned=1)
    Lane.objects.create(postback=delivery.postback)
    AttributionRule.objects.create(key="promo_code", value="HARBOUR", partner=make_partner())
    token, _ = create_token("shop")
    submit(token, Submission.Kind.CONVERSION, {"OrderId": "o-1"})
    make_channel()
    proposal_for(delivery.postback)
    HeldRate.objects.create(currency="USD", date=date(2026, 11, 20), published="9.99", rate="9.99", reason="It jumped.")
    return delivery


def url_of(model: type[Model], page: str, *args: int) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def form_data(**fields: Any) -> dict[str, Any]:
    defaults = {"event_trigger": "always", "scope": "all", "method": "GET", "minimum_delay_seconds": "0"}
    return {**defaults, "name": "test", "url": "https://receiver.example/in", **fields}


def field_errors(client: Client, **fields: Any) -> dict[str, list[str]]:
    """The errors that the form for a new postback shows."""
    answer = client.post(url_of(Postback, "add"), form_data(**fields))
    assert answer.status_code == 200, "The postback was saved."
    return dict(answer.context["adminform"].form.errors)


def messages_of(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


@pytest.mark.parametrize("model", OURS)
def test_every_list_opens_and_can_be_searched(admin_client: Client, everything: Delivery, model: type[Model]) -> None:
    for query in ({}, {"q": "harbor"}, {"q": "1"}, {"q": everything.action.action_id}):
        assert admin_client.get(url_of(model, "changelist"), query).status_code == 200


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize("model", OURS)
def test_every_page_of_a_row_opens(admin_client: Client, model: type[Model]) -> None:
    row = model._default_manager.order_by("pk").first()
    assert row is not None

    assert admin_client.get(url_of(model, "change", row.pk)).status_code == 200


# Partners propose, by their links; what is held was fetched.
@pytest.mark.parametrize("model", [model for model in OURS if model not in (*HISTORY, Proposal, HeldRate)])
def test_every_form_for_a_new_row_opens(admin_client: Client, model: type[Model]) -> None:
    assert admin_client.get(url_of(model, "add")).status_code == 200


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize("model", HISTORY)
def test_history_is_for_reading(admin_client: Client, model: type[Model]) -> None:
    row = model._default_manager.order_by("pk").first()
    assert row is not None

    assert admin_client.get(url_of(model, "add")).status_code == 403
    assert admin_client.post(url_of(model, "change", row.pk), {}).status_code == 403
    assert admin_client.post(url_of(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert model._default_manager.filter(pk=row.pk).exists()


@pytest.mark.parametrize("model", OURS)
def test_lists_take_as_many_queries_for_many_rows_as_for_few(
    admin_client: Client, tracker: ActionTracker, model: type[Model]
) -> None:
    def add_rows() -> None:
        for _ in range(3):
            partner = make_partner()
            make_term(tracker, partner)
            make_rate(f"A{partner.pk:02d}"[-3:], "USD", "2")
            make_tracker(in_app_events=["SALE"])
            postback = make_postback(tracker, partner)
            make_postback(tracker, make_media_source())
            event = record_action(tracker, partner)
            Delivery.objects.create(postback=postback, event=event, action=event.action, due_at=timezone.now())

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert admin_client.get(url_of(model, "changelist")).status_code == 200
        return len(captured)

    add_rows()
    few = queries()
    add_rows()

    assert queries() == few


def test_the_site_bears_the_products_name(admin_client: Client) -> None:
    assert "Partner Postbacks" in admin_client.get("/admin/").content.decode()


def test_a_postback_is_saved_as_it_is_typed(admin_client: Client, tracker: ActionTracker, partner: Partner) -> None:
    typed = form_data(
        partner=partner.pk,
        action_tracker=tracker.pk,
        method="POST",
        body_format="json",
        body_pairs="id = {ActionId}\r\nnote= a = b \r\n\r\nempty =",
        headers="X-A: 1\r\nX-B: 2",
        minimum_delay_seconds="1h 30m",
        maximum_requests="50",
        send_trace="on",
        success_response="2xx\r\nOK",
    )

    answer = admin_client.post(url_of(Postback, "add"), typed)

    assert answer.status_code == 302
    saved = Postback.objects.get()
    assert saved.body_pairs == [["id", "{ActionId}"], ["note", "a = b "], ["empty", ""]]
    assert saved.headers == "X-A: 1\nX-B: 2"
    assert saved.success_response == "2xx\nOK"
    assert (saved.minimum_delay_seconds, saved.maximum_requests, saved.send_trace) == (5_400, 50, True)


def test_what_looks_wrong_is_said_when_a_postback_is_saved(
    admin_client: Client, tracker: ActionTracker, partner: Partner
) -> None:
    typed = form_data(
        partner=partner.pk, action_tracker=tracker.pk, url="https://receiver.example/in?click=%7BRefClickId%7D"
    )
    answer = admin_client.post(url_of(Postback, "add"), typed, follow=True)
    assert messages_of(answer)[0] == (
        "url: “%7BRefClickId%7D” is sent as it stands at column 35. Did you mean {RefClickId}?"
    )


def test_saving_what_was_opened_changes_nothing(admin_client: Client, tracker: ActionTracker, partner: Partner) -> None:
    pairs = [["id", "{ActionId}"], ["a=b", "two\nlines"], ['"', " x "]]
    fields = {"method": "POST", "body_format": "querystring", "body_pairs": pairs, "minimum_delay_seconds": 5_400}
    postback = make_postback(tracker, partner, headers="X-A: 1\nX-B: 2", **fields)
    page = url_of(Postback, "change", postback.pk)
    form = admin_client.get(page).context["adminform"].form
    shown = {name: form[name].value() for name in form.fields}
    assert shown["minimum_delay_seconds"] == "1h 30m"

    answer = admin_client.post(page, {name: value for name, value in shown.items() if value not in (None, False)})

    assert answer.status_code == 302
    before, after = vars(postback), vars(Postback.objects.get())
    assert {name: after[name] for name in shown if name in before} == {n: before[n] for n in shown if n in before}
    assert after["body_pairs"] == pairs


@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        ({"url": "https://receiver.example/{Oidd}"}, "url", "Did you mean {Oid}?"),
        ({"url": ""}, "url", "This field is required."),
        ({"headers": "no colon"}, "headers", "colon"),
        ({"minimum_delay_seconds": "soon"}, "minimum_delay_seconds", "Write seconds, or 90s, 15m, 2h, 3d."),
        ({"minimum_delay_seconds": "31d"}, "minimum_delay_seconds", "30 days"),
        ({"maximum_requests": "0"}, "maximum_requests", "greater than or equal to 1"),
        ({"success_response": "/(/"}, "success_response", "Line 1: "),
        ({"method": "POST"}, "body_format", "POST needs a body format"),
        (
            {"body_pairs": "no pair", "method": "POST", "body_format": "json"},
            "body_pairs",
            "Line 1 is not a `key = template` pair.",
        ),
    ],
)
def test_a_mistake_in_the_form_is_told_on_its_field(
    admin_client: Client, tracker: ActionTracker, fields: dict[str, Any], field: str, message: str
) -> None:
    fields = {"media_source": make_media_source().pk, "action_tracker": tracker.pk, **fields}

    errors = field_errors(admin_client, **fields)

    assert list(errors) == [field]
    assert message in errors[field][0]
    assert not Postback.objects.exists()


def test_an_event_type_without_a_term_is_told_on_its_field(
    admin_client: Client, tracker: ActionTracker, partner: Partner
) -> None:
    lead = make_tracker(tracker.program, name="Lead")

    errors = field_errors(admin_client, partner=partner.pk, action_tracker=lead.pk)

    assert list(errors) == ["action_tracker"]
    assert f"Its contracts hold Online Sale ({tracker.pk})." in errors["action_tracker"][0]


def test_a_postback_has_exactly_one_owner(admin_client: Client, tracker: ActionTracker, partner: Partner) -> None:
    none = field_errors(admin_client, action_tracker=tracker.pk)
    both = field_errors(
        admin_client, action_tracker=tracker.pk, partner=partner.pk, media_source=make_media_source().pk
    )

    expected = {"__all__": ["A postback belongs to either a partner or a network."]}
    assert none == expected
    assert both == expected


def test_deleting_says_how_many_deliveries_go_before_and_after(admin_client: Client, delivery: Delivery) -> None:
    page = url_of(Postback, "delete", delivery.postback_id)

    asked = admin_client.get(page)
    done = admin_client.post(page, {"post": "yes"}, follow=True)

    assert "1 waiting delivery will be cancelled" in asked.content.decode()
    assert "Compass: sale: 1 waiting delivery was cancelled." in messages_of(done)
    delivery.refresh_from_db()
    assert delivery.state == Delivery.State.CANCELLED
    assert Postback.objects.get(pk=delivery.postback_id).deleted_at is not None


def test_deleting_a_selection_keeps_the_rows_too(admin_client: Client, delivery: Delivery, partner: Partner) -> None:
    other = make_postback(delivery.action.action_tracker, partner, name="other")
    action = {"action": "delete_selected", "_selected_action": [delivery.postback_id, other.pk]}

    asked = admin_client.post(url_of(Postback, "changelist"), action)
    assert "Compass: other (0 waiting deliveries will be cancelled)" in asked.content.decode()
    assert Postback.objects.existing().count() == 2
    admin_client.post(url_of(Postback, "changelist"), {**action, "post": "yes"})

    assert Postback.objects.count() == 2
    assert not Postback.objects.existing().exists()


def test_deleted_postbacks_show_only_when_asked_for_and_are_for_reading(
    admin_client: Client, sale_postback: Postback
) -> None:
    delete_postback(sale_postback)
    listed = url_of(Postback, "changelist")

    assert list(admin_client.get(listed).context["cl"].queryset) == []
    assert list(admin_client.get(listed, {"state": "deleted"}).context["cl"].queryset) == [sale_postback]
    assert admin_client.get(url_of(Postback, "change", sale_postback.pk)).status_code == 200
    assert admin_client.post(url_of(Postback, "change", sale_postback.pk), form_data()).status_code == 403
    assert admin_client.post(url_of(Postback, "delete", sale_postback.pk), {"post": "yes"}).status_code == 403


def test_pause_and_resume_from_the_list(admin_client: Client, sale_postback: Postback) -> None:
    listed = url_of(Postback, "changelist")

    admin_client.post(listed, {"action": "pause_selected", "_selected_action": [sale_postback.pk]})
    assert Postback.objects.get().paused_at is not None
    assert list(admin_client.get(listed, {"state": "paused"}).context["cl"].queryset) == [sale_postback]
    assert list(admin_client.get(listed, {"state": "active"}).context["cl"].queryset) == []

    admin_client.post(listed, {"action": "resume_selected", "_selected_action": [sale_postback.pk]})
    assert Postback.objects.get().paused_at is None


def test_who_may_only_view_can_neither_pause_nor_resume(client: Client, sale_postback: Postback) -> None:
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_postback"))
    client.force_login(viewer)
    pause(sale_postback)

    listed = url_of(Postback, "changelist")
    client.post(listed, {"action": "resume_selected", "_selected_action": [sale_postback.pk]})

    assert client.get(listed).status_code == 200
    assert Postback.objects.get().paused_at is not None


def test_the_list_shows_where_a_postback_calls_without_the_query(admin_client: Client, sale_postback: Postback) -> None:
    page = admin_client.get(url_of(Postback, "changelist")).content.decode()

    assert sale_postback.name in page
    assert "receiver.example/in" in page
    assert "secret" not in page


def test_a_delivery_shows_its_attempts_and_leads_to_its_event_and_back(
    admin_client: Client, delivery: Delivery
) -> None:
    page = admin_client.get(url_of(Delivery, "change", delivery.pk)).content.decode()
    event_url = url_of(ActionEvent, "change", delivery.event_id)
    assert "Status 500 is not a success" in page
    assert "out of order" in page
    assert event_url in page

    event_page = admin_client.get(event_url).content.decode()
    assert url_of(Delivery, "change", delivery.pk) in event_page
    assert "&quot;CampaignName&quot;: &quot;Summit&quot;" in event_page


def test_what_is_used_cannot_be_deleted_and_the_page_says_by_what(admin_client: Client, delivery: Delivery) -> None:
    page = url_of(Program, "delete", delivery.action.program_id)

    asked = admin_client.get(page).content.decode()
    admin_client.post(page, {"post": "yes"})

    assert "used by event types, contracts, actions" in asked
    assert Program.objects.filter(pk=delivery.action.program_id).exists()


def test_what_is_not_used_can_be_deleted(admin_client: Client) -> None:
    app = make_tracker(in_app_events=["SALE"])

    admin_client.post(url_of(ActionTracker, "delete", app.pk), {"post": "yes"})

    assert not ActionTracker.objects.exists()
    assert not InAppEvent.objects.exists()


def contract_form(partner: Partner, tracker: ActionTracker, **fields: Any) -> dict[str, Any]:
    return {
        "partner": partner.pk,
        "program": tracker.program_id,
        "start": "2026-01-01",
        "terms-TOTAL_FORMS": 1,
        "terms-INITIAL_FORMS": 0,
        "terms-0-action_tracker": tracker.pk,
        "terms-0-payout_type": "flat",
        "terms-0-payout": "2.50",
        "terms-0-lock_after_days": "30",
        "terms-0-clear_after_days": "45",
        **fields,
    }


def test_a_contract_is_made_with_its_terms_on_one_page(admin_client: Client, tracker: ActionTracker) -> None:
    admin_client.post(url_of(Contract, "add"), contract_form(make_partner(), tracker))

    assert ContractTerm.objects.get().action_tracker == tracker


def test_a_term_for_another_programs_event_type_is_told_on_its_field(
    admin_client: Client, tracker: ActionTracker
) -> None:
    other = make_program()

    answer = admin_client.post(url_of(Contract, "add"), contract_form(make_partner(), tracker, program=other.pk))

    [terms] = answer.context["inline_admin_formsets"]
    message = "This event type belongs to another program than the contract."
    assert terms.formset.errors == [{"action_tracker": [message]}]
    assert not Contract.objects.exists()


def test_a_contract_that_ends_before_it_starts_is_told_on_its_field(
    admin_client: Client, tracker: ActionTracker
) -> None:
    answer = admin_client.post(url_of(Contract, "add"), contract_form(make_partner(), tracker, end="2025-01-01"))

    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors == {"end": ["A contract cannot end before it starts."]}


def test_parameters_to_hide_are_chosen_from_those_there_are(admin_client: Client, tracker: ActionTracker) -> None:
    fields = {
        "program": tracker.program_id,
        "name": "Online Sale",
        "kind": "web",
        "dedup_window_days": "30",
        "in_app_events-TOTAL_FORMS": 0,
        "in_app_events-INITIAL_FORMS": 0,
    }
    page = url_of(ActionTracker, "change", tracker.pk)

    refused = admin_client.post(page, {**fields, "hidden_parameters": ["CustomerCitty"]})
    assert list(refused.context["adminform"].form.errors) == ["hidden_parameters"]
    admin_client.post(page, {**fields, "hidden_parameters": ["CustomerCity", "Oid"]})

    tracker.refresh_from_db()
    assert tracker.hidden_parameters == ["CustomerCity", "Oid"]


@pytest.mark.parametrize(
    "pairs",
    [
        [],
        [["a", "b"]],
        [["a=b", "c = d"], ["", "x"], [" key ", " value "], ['"quoted"', ""]],
        [["multi", "one\ntwo\n\n\tthree"], ["ü\n", "{date(EventDate, '=')}"]],
    ],
)
def test_pairs_are_read_back_as_they_are_shown(pairs: list[list[str]]) -> None:
    assert parse_pairs(format_pairs(pairs)) == pairs


def test_a_line_that_is_no_pair_is_named() -> None:
    for text in ("a = b\nnothing", 'a = b\n"open', 'a = b\n"key" x = y'):
        with pytest.raises(ValueError, match=r"^Line 2 is not a `key = template` pair\.$"):
            parse_pairs(text)


def test_a_held_destination_is_shown_and_found(admin_client: Client, delivery: Delivery) -> None:
    since = timezone.now()
    Lane.objects.create(postback=delivery.postback, failures=10, held_since=since, probe_at=since)
    held = admin_client.get(url_of(Postback, "changelist") + "?state=held").content.decode()
    assert "its destination is down. Next probe" in held
    page = admin_client.get(url_of(Postback, "change", delivery.postback_id)).content.decode()
    assert "its destination is down. Next probe" in page
    Lane.objects.update(held_since=None, probe_at=None)
    assert "its destination is down" not in admin_client.get(url_of(Postback, "changelist")).content.decode()
