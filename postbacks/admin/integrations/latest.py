"""What an owner's page shows of the last deliveries and actions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from actions.models import Action
from partners.models import Partner
from postbacks.admin.integrations.owners import Owner
from postbacks.delivery_log.filters import Filters
from postbacks.delivery_log.find import NEWEST, Finder
from postbacks.delivery_log.words import label_of, text_of
from postbacks.models import Delivery

SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Sent:
    """A delivery; `label` is its state in a word or two, `text` what to say beyond."""

    delivery: Delivery
    label: str
    text: str


def latest_deliveries(owner: Owner, *, networks: bool) -> list[Sent]:
    """The newest deliveries of the owner, newest first, in three queries."""
    asked = Filters(partner=owner) if isinstance(owner, Partner) else Filters(network=owner)
    ids = Finder(asked, networks).below(NEWEST, SHOWN)
    rows = Delivery.objects.select_related("postback__lane", "event", "action")
    found = rows.defer("parameters", "event__parameters", "action__reported").in_bulk(ids)
    return [Sent(found[pk], label_of(found[pk]), text_of(found[pk])) for pk in ids if pk in found]


def latest_actions(partner: Partner) -> list[Action]:
    """The newest actions that are credited to the partner, newest first; along an index."""
    rows = Action.objects.filter(partner=partner).select_related("action_tracker").defer("reported")
    return list(rows.order_by("-id")[:SHOWN])
