"""What a link may see. Every page asks here for its rows, and nowhere else; what is another's does not exist."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.models import QuerySet

from actions.models import Action
from optimize_sources.models import MediaSource
from partners.models import Partner
from portal.models import PartnerLink
from postbacks.models import Delivery, Postback


@dataclass(frozen=True)
class Scope:
    """The rows of the link's partner or network."""

    link: PartnerLink

    @property
    def owner(self) -> Partner | MediaSource:
        return self.link.owner

    @property
    def _whose(self) -> dict[str, Any]:
        of_partner = self.link.partner_id is not None
        return {"partner": self.link.partner_id} if of_partner else {"media_source": self.link.media_source_id}

    def may(self, right: str) -> bool:
        return right in self.link.rights

    def postbacks(self) -> QuerySet[Postback]:
        """Those that exist."""
        rows = Postback.objects.existing().filter(**self._whose)
        return rows.select_related("partner", "media_source", "action_tracker", "lane").order_by("name", "pk")

    @cached_property
    def every_postback(self) -> dict[int, Postback]:
        """All by id, also those that are deleted: their deliveries are still there."""
        rows = Postback.objects.filter(**self._whose).select_related(
            "partner", "media_source", "action_tracker", "lane"
        )
        return {postback.pk: postback for postback in rows}

    def deliveries(self) -> QuerySet[Delivery]:
        return Delivery.objects.filter(postback__in=list(self.every_postback))

    def concerns(self, action: Action) -> bool:
        """Whether an action is one of the owner's: credited to the partner, or one that a postback of the network is
        told of whoever took part, or in which the network took part."""
        if self.link.partner_id is not None:
            return action.partner_id == self.link.partner_id
        return self.link.media_source_id in action.media_source_ids or any(
            each.scope == Postback.Scope.ALL and each.action_tracker_id == action.action_tracker_id
            for each in self.every_postback.values()
            if each.deleted_at is None
        )
