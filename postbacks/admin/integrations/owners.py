"""Partners and networks as owners of postbacks: the differences between them, in one place."""

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
    """`field` names the field of the postback and the query parameter; `screen` names the URL of the screen."""

    field: str
    model: type[Partner] | type[MediaSource]
    title: str
    screen: str
    noun: str

    def postbacks(self, owner: Owner) -> QuerySet[Postback]:
        """The existing postbacks of the owner, with the related rows that lists show."""
        rows = Postback.objects.existing().filter(**{self.field: owner.pk})
        return rows.select_related("action_tracker", "in_app_event", "lane", self.field).order_by(
            "action_tracker__name", "name", "id"
        )

    def url(self, owner: Owner) -> str:
        """The URL of the owner's screen."""
        return reverse(self.screen, args=(owner.pk,))

    def together_url(self, owner: Owner, verb: str) -> str:
        """The URL of the question that pauses or resumes all of the owner's postbacks."""
        return reverse(f"admin:{self.model._meta.label_lower.replace('.', '_')}_{verb}_all", args=(owner.pk,))  # noqa: SLF001 -- Django's documented interface

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
    """The owner that the query of the URL names, such as `?partner=7`; None if it names no existing one."""
    for kind in (PARTNER, NETWORK):
        named = read_id(request.GET.get(kind.field, ""))
        if named is not None:
            rows: QuerySet[Any] = kind.model.objects.all()
            return rows.filter(pk=named).first()
    return None


def event_types_for(owner: Owner | None) -> QuerySet[ActionTracker]:
    """The event types for which the owner may have postbacks: for a partner, those in its contracts."""
    rows = ActionTracker.objects.select_related("program").order_by("program__name", "name", "id")
    if isinstance(owner, Partner):
        return rows.filter(contract_terms__contract__partner=owner).distinct()
    return rows
