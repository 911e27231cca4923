"""Personal data of customers: no page shows it to viewers, operators see it."""

from __future__ import annotations

from itertools import count

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from accounts.roles.groups import permission_ids
from accounts.roles.table import PERMISSIONS, Role
from accounts.roles.users import create_user
from actions.api.submit import submit
from actions.api.tokens import create_token
from actions.models import Action, ActionEvent, Submission
from actions.reports.parameters import PARAMETERS, ParameterType, is_personal
from actions.reports.personal import without_personal
from partners.models import AttributionRule
from partners.permissions import SEE_PERSONAL
from postbacks.models import Attempt, Delivery, Replay
from tests.support.factories import make_partner, make_postback, make_term, make_tracker, record_action

pytestmark = pytest.mark.django_db

MARK = "zq7-personal"
HASH = f"{0xFEDCBA9876543210:032x}"  # Of an e-mail address.
SHOWN = "AUTUMN-PROMO"
TEXTS = (ParameterType.TEXT, ParameterType.ID)


@pytest.fixture
def personal_action() -> Action:
    """With a value in everything that is personal, sent, answered, refused and ruled by."""
    tracker, partner = make_tracker(), make_partner()
    make_term(tracker, partner)
    make_postback(tracker, partner, url="https://receiver.example/in?ip={IpAddressPlain}")
    numbers = count()
    texts = [name for name, each in PARAMETERS.items() if is_personal(name) and each.type in TEXTS]
    reported = {name: f"{MARK}-{next(numbers)}" for name in texts}
    reported |= {"CustomerId": f"{MARK}-id", "CustomerEmail": HASH, "Shop": MARK}
    event = record_action(tracker, partner, PromoCode=SHOWN, **reported)
    delivery = Delivery.objects.get()
    Attempt.objects.create(
        delivery=delivery,
        number=1,
        started_at=timezone.now(),
        duration_ms=12,
        succeeded=False,
        reason="Status 500 is not a success",
        method="POST",
        url=f"https://receiver.example/{MARK}?ip={MARK}",
        request_headers=f"X-Customer: {MARK}",
        request_body=f'{{"ip": "{MARK}"}}',
        status=500,
        response_headers=f"Set-Cookie: {MARK}",
        response_body=f"unknown customer {MARK}",
    )
    token, _ = create_token("Shop")
    refused = {"CampaignId": tracker.program_id, "PromoCode": SHOWN, "CustomerEmail": HASH, "IpAddress": MARK}
    submit(token, Submission.Kind.CONVERSION, refused)
    Submission.objects.update(message=f"“{MARK}” is wrong.", notes=[f"“{MARK}” is not known."])
    AttributionRule.objects.create(key="customer_id", value=f"{MARK}-id", partner=partner)
    AttributionRule.objects.create(key="promo_code", value=SHOWN, partner=partner)
    return event.action


def sign_in(client: Client, role: Role) -> None:
    create_user("ada", role)
    client.force_login(User.objects.get(username="ada"))


def pages() -> list[str]:
    """Each page of each row there is."""
    found = ["/admin/", "/admin/search/?q=zq7"]
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        found.append(reverse(f"{name}_changelist"))
        for key in model._default_manager.values_list("pk", flat=True):
            for page in ("change", "history", "delete", "resend", "integration"):
                try:
                    found.append(reverse(f"{name}_{page}", args=(key,)))
                except NoReverseMatch:
                    continue
    return found


def test_no_page_shows_a_viewer_what_is_personal(client: Client, personal_action: Action) -> None:
    sign_in(client, Role.VIEWER)

    contents = {path: client.get(path).content.decode() for path in pages()}

    assert [path for path, content in contents.items() if MARK in content or HASH in content] == []
    assert sum(SHOWN in content for content in contents.values()) >= 4  # Action, event, submission, rule.
    shown = contents[reverse("admin:postbacks_delivery_change", args=(Delivery.objects.get().pk,))]
    assert "Status 500 is not a success" in shown
    assert "which your role may not see" in shown


@pytest.mark.parametrize("page", ["actions_action", "actions_actionevent", "postbacks_delivery", "actions_submission"])
def test_operators_see_it(client: Client, personal_action: Action, page: str) -> None:
    sign_in(client, Role.OPERATOR)
    models = {"actions_action": Action, "actions_actionevent": ActionEvent, "postbacks_delivery": Delivery}
    row = models.get(page, Submission)._default_manager.get()

    assert MARK in client.get(reverse(f"admin:{page}_change", args=(row.pk,))).content.decode()


def test_the_values_of_an_action_are_previewed_only_for_whom_personal_data_is(
    client: Client, personal_action: Action
) -> None:
    user = User.objects.create_user("ada", is_staff=True)
    group = Group.objects.create(name="no personal data")
    group.permissions.set(permission_ids(PERMISSIONS[Role.OPERATOR] - {SEE_PERSONAL}).values())
    user.groups.add(group)
    client.force_login(user)
    postback = Delivery.objects.get().postback
    fields = {
        "partner": postback.partner_id,
        "action_tracker": postback.action_tracker_id,
        "url": postback.url,
        "method": "GET",
    }

    for what in ("preview", "test"):
        answer = client.post(
            reverse(f"admin:postbacks_postback_{what}"), {**fields, "test_send_action": personal_action.action_id}
        )
        assert answer.status_code == 403, what

    preview = client.post(reverse("admin:postbacks_postback_preview"), fields)
    assert preview.json()["request"]["url"] == "https://receiver.example/in?ip=203.0.113.24"
    assert not Replay.objects.exists()


def test_what_is_hidden_keeps_its_name_and_what_is_not_personal_its_value() -> None:
    values = {
        "IpAddressPlain": "203.0.113.9",
        "IpAddress": "203.0.113.9",
        "CustomerEmail": "ada@example.org",
        "UserAgent": "",
        "PromoCode": SHOWN,
        "OrderId": "o-1",
        "Oid": "o-1",
        "ClickId": "c-1",
        "ItemSku1": "TENT-2",
        "items": [{"sku": "TENT-2"}],
    }

    assert without_personal(values) == {
        **values,
        "IpAddressPlain": "hidden: personal",
        "IpAddress": "hidden: personal",
        "CustomerEmail": "hidden: personal",
    }
