"""Each list and form: nothing in the console, nothing missing, no other host, axe; wide, narrow, light and dark."""

from __future__ import annotations

import re

import pytest
from django.contrib import admin
from django.urls import reverse

from accounts.roles.table import PERMISSIONS
from actions.api.submit import submit
from actions.api.tokens import create_token
from actions.models import Submission
from partners.models import AttributionRule
from postbacks.models import Postback
from tests.browser.actors import Role
from tests.browser.audit import axe
from tests.browser.conftest import NARROW, WIDE, OpenAs
from tests.browser.pictures import screenshot
from tests.browser.watch import expect as expect_problem
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


@pytest.fixture
def everything() -> Postback:
    """A row of all that an operator sets up, and an action with what it fires."""
    program = make_program(name="Summit")
    sale = make_tracker(program, name="Online Sale")
    make_tracker(program, name="Summit app", in_app_events=["INSTALL", "SALE"])
    partner = make_partner(name="Compass")
    make_term(sale, partner)
    make_rate("EUR", "USD", "1.08")
    AttributionRule.objects.create(key="promo_code", value="HARBOR10", partner=partner)
    make_media_source(name="Ledger Analytics", type="Attribution")
    token, _ = create_token("Shop")
    submit(token, Submission.Kind.CONVERSION, {"CampaignId": program.pk, "OrderId": "o-1"})
    make_channel(name="Operators")
    postback = make_postback(sale, partner, name="Sales", url="https://compass.example/in?id={ActionId}")
    record_action(sale, partner, Items=[{"Sku": "TENT-2", "Quantity": 1, "SubTotal": "219.00"}])
    return postback


def pages(role: Role) -> list[str]:
    """The pages that the role may open; an administrator's are those that operators have not."""
    found = ["/admin/"]
    for model in admin.site._registry:
        app, name = model._meta.app_label, model._meta.model_name
        may = {verb for verb in ("view", "add") if f"{app}.{verb}_{name}" in PERMISSIONS[role]}
        if "view" not in may or (role is Role.ADMINISTRATOR and f"{app}.view_{name}" in PERMISSIONS[Role.OPERATOR]):
            continue
        if role is not Role.VIEWER:  # Sees the same lists.
            found.append(reverse(f"admin:{app}_{name}_changelist"))
        row = model._default_manager.order_by("pk").first()
        found += [reverse(f"admin:{app}_{name}_change", args=(row.pk,))] if row else []
        if name == "postback" and row:
            found.append(reverse("admin:postbacks_postback_history", args=(row.pk,)))
            found.append(reverse("admin:postbacks_postback_versions", args=(row.pk,)))
        if "add" in may and name in _MADE_BY_HAND:
            found.append(reverse(f"admin:{app}_{name}_add"))
    return found


_MADE_BY_HAND = (
    *("program", "partner", "contract", "contractterm", "actiontracker", "inappevent", "exchangerate"),
    *("attributionrule", "mediasource", "postback", "replay", "apitoken", "partnerlink", "channel", "user", "group"),
)
_WIDEST = """width => [...document.querySelectorAll("body *")]
    .filter(each => each.getBoundingClientRect().right > width)
    .map(each => `${each.tagName}.${each.className}`).slice(0, 5)"""
_PICTURES = {
    r"/partners/contract/\d+/change/": "contract",
    r"/partners/exchangerate/add/": "exchange-rate",
}


@pytest.mark.parametrize(
    ("role", "width", "dark"),
    [
        (Role.OPERATOR, WIDE, False),
        (Role.OPERATOR, NARROW, True),
        (Role.VIEWER, WIDE, True),
        (Role.ADMINISTRATOR, WIDE, False),
    ],
)
@pytest.mark.usefixtures("everything")
def test_every_page_is_sound(open_as: OpenAs, role: Role, width: int, dark: bool) -> None:
    page = open_as(role, width=width, dark=dark)
    wrong = []
    for path in pages(role):
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 200, path
        if page.evaluate("document.documentElement.scrollWidth") > width:
            wrong.append(f"{path} is wider than the window: {page.evaluate(_WIDEST, width)}")
        try:
            axe(page)
        except AssertionError as error:
            wrong.append(str(error))
        for pattern, name in _PICTURES.items():
            if not dark and re.search(pattern, path):
                screenshot(page, name)
    assert not wrong, "\n".join(wrong)


def test_error_pages_can_be_read(open_as: OpenAs) -> None:
    page = open_as(Role.VIEWER)
    expect_problem(page, r"^status 404: GET .*/nothing/")
    expect_problem(page, r"^status 403: GET .*/partners/partner/add/")
    for path, words in (
        ("/nothing/", "There is nothing here"),
        ("/admin/partners/partner/add/", "You may not do this"),
    ):
        page.goto(path)
        assert words in page.locator("h1").inner_text()
        axe(page)
