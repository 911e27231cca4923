"""Partners and networks as owners of postbacks: what differs between the two, in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from optimize_sources.models import MediaSource
from partners.ids import read_id
from partners.models import ActionTracker, Partner
from postbacks.models import Postback

Owner = Partner | MediaSource


@dataclass(frozen=True, slots=True)
class OwnerKind:
    """`field` is the postback's, and the query parameter's, name; `screen` the name of the screen's URL."""

    field: str
    model: type[Partner] | type[MediaSource]
    title: str
    screen: str
    noun: str

    def postbacks(self, owner: Owner) -> QuerySet[Postback]:
        """The owner's existing postbacks, with what is shown of them."""
        rows = Postback.objects.existing().filter(**{self.field: owner.pk})
        return rows.select_related("action_tracker", "in_app_event", "lane", self.field).order_by(
            "action_tracker__name", "name", "id"
        )

    def url(self, owner: Owner) -> str:
        """The address of the owner's screen."""
        return reverse(self.screen, args=(owner.pk,))

    def add_url(self, owner: Owner) -> str:
        return f"{reverse('admin:postbacks_postback_add')}?{self.field}={owner.pk}"


PARTNER = OwnerKind("partner", Partner, "Partner Integration", "admin:partners_partner_partner_integration", "partner")
NETWORK = OwnerKind(
    "media_source",
    MediaSource,
    "Event Notifications",
    "admin:optimize_sources_mediasource_event_notifications",
    "network",
)


def kind_of(owner: Owner) -> OwnerKind:
    return PARTNER if isinstance(owner, Partner) else NETWORK


def owner_named(request: HttpRequest) -> Owner | None:
    """The owner that the query of the address names, such as `?partner=7`; None if it names none that exists."""
    for kind in (PARTNER, NETWORK):
        named = read_id(request.GET.get(kind.field, ""))
        if named is not None:
            rows: QuerySet[Any] = kind.model.objects.all()
            return rows.filter(pk=named).first()
    return None


def event_types_for(owner: Owner | None) -> QuerySet[ActionTracker]:
    """The event types for which the owner may have postbacks: of a partner, those that its contracts hold."""
    rows = ActionTracker.objects.select_related("program").order_by("program__name", "name", "id")
    if isinstance(owner, Partner):
        return rows.filter(contract_terms__contract__partner=owner).distinct()
    return rows
