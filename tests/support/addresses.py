"""The addresses of the pages and of the API, with a row of each kind for them to show."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.apps import apps
from django.contrib.auth.models import Group, User
from django.urls import URLPattern, URLResolver
from django.utils import timezone

from actions.api.submit import submit
from actions.api.tokens import create_token
from actions.models import Submission
from notices.models import Channel
from partners.models import AttributionRule, HeldRate
from portal.models import PartnerLink
from postbacks.models import Lane, Replay, TryNow
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


def make_a_row_of_each() -> None:
    """At least one row of all that has a page."""
    now = timezone.now()
    program = make_program()
    sale, app = make_tracker(program), make_tracker(program, in_app_events=["SALE"])
    partner, network = make_partner(), make_media_source()
    make_term(sale, partner)
    make_rate("EUR", "USD", "1.08")
    HeldRate.objects.create(currency="USD", date=now, published="2.16", rate=Decimal("2.16"), reason="It jumped.")
    AttributionRule.objects.create(key="promo_code", value="HARBOR10", partner=partner)
    token, _ = create_token("Shop")
    submit(token, Submission.Kind.CONVERSION, {"CampaignId": program.pk, "OrderId": "o-1"})
    postback = make_postback(sale, partner)
    Lane.objects.update_or_create(postback=postback, defaults={"held_since": now, "probe_at": now})
    make_postback(app, network, install=True)
    proposal_for(postback)
    record_action(sale, partner)
    # Its address is among those of deliveries, so it has the number of one.
    TryNow.objects.create(pk=key_of("postbacks.delivery"), ids=[], total=0, seen_attempt=0)
    Replay.objects.create(selection={}, described="that one")
    Channel.objects.create(name="Operators", kind=Channel.Kind.SLACK)
    PartnerLink.objects.create(partner=partner, name="engineer", secret_sha256="of nobody", ends_at=now)
    Group.objects.create(name="finance")
    User.objects.create_user("someone")


def key_of(model: str) -> Any:
    if model == "auth.group":
        return Group.objects.get(name="finance").pk
    return apps.get_model(model)._default_manager.order_by("pk").values_list("pk", flat=True)[0]


def filled(path: str) -> str:
    """The path with the key of a row of the model that it names."""
    app, model = path.split("/")[2:4] if "{id}" in path else ("", "")
    return path.replace("{id}", str(key_of(f"{app}.{model}"))) if app else path


def patterns(below: URLPattern | URLResolver) -> Iterator[URLPattern]:
    if isinstance(below, URLPattern):
        yield below
    else:
        for each in below.url_patterns:
            yield from patterns(each)
