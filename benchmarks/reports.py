"""Reports as a shop sends them, and the configuration for them: contracts, and two postbacks that fire for each."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import count, cycle
from typing import Any

from actions.models import Action, Item, QueuedReport
from benchmarks.results import CannotRunError
from optimize_sources.models import MediaSource
from partners.models import ActionTracker, Contract, ContractTerm, Partner, Program
from postbacks.models import Delivery, Postback

EVENT_TYPES, PARTNERS = 4, 20
ITEMS = 2
DELIVERIES = 2  # One to the partner, one to the network.
NOWHERE = "https://receiver.example/in?n={DeliveryId}&pay={Payout}"
_RECORDED_SECONDS, _POLL_SECONDS = 10, 0.05
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Shop:
    """What reports refer to."""

    program: int
    trackers: list[int]
    partners: list[int]

    def reports(self, number: int) -> Iterator[dict[str, Any]]:
        """Yields `number` new orders, spread over event types and partners in turn."""
        for at, order in zip(range(number), _numbers, strict=False):
            # Each at a moment and with an amount of its own, as in a shop: nothing is the same text again.
            yield {
                "CampaignId": self.program,
                "ActionTrackerId": self.trackers[at % len(self.trackers)],
                "MediaPartnerId": self.partners[at % len(self.partners)],
                "EventDate": f"2026-11-{order // 3600 // 24 % 20 + 1:02}T{order // 3600 % 24:02}"
                f":{order // 60 % 60:02}:{order % 60:02}-07:00",
                "OrderId": f"SS-{order}",
                "CurrencyCode": "USD",
                "ClickId": f"Xy7-{order}",
                "SharedId": "newsletter|banner&7",
                "CustomerCity": "São Paulo",
                "CustomerCountry": "BR",
                "CustomerStatus": "NEW",
                "PromoCode": "HARBOUR 10%",
                "ItemSku1": "GH23",
                "ItemCategory1": "Watches",
                "ItemQuantity1": 3,
                "ItemSubTotal1": f"{order % 1000 + 1}.65",
                "ItemSku2": "UT66",
                "ItemName2": 'Deck "Pro" 42',
                "ItemSubTotal2": "397.28",
            }


def open_shop(name: str = "Intake", urls: Sequence[str] = (NOWHERE,), *, networks: int = 1) -> Shop:
    """Creates a partner postback for each event type and partner, to the URLs in turn.

    Each of so many networks gets one for each event type, to the first URL.
    """
    program = Program.objects.create(name=name, currency="USD")
    trackers = [ActionTracker.objects.create(program=program, name=f"sale {number}") for number in range(EVENT_TYPES)]
    partners = [Partner.objects.create(name=f"{name} {number}", currency="USD") for number in range(PARTNERS)]
    for partner, url in zip(partners, cycle(urls), strict=False):
        contract = Contract.objects.create(partner=partner, program=program, start=date(2020, 1, 1))
        for tracker in trackers:
            ContractTerm.objects.create(
                contract=contract, action_tracker=tracker, payout_type="percentage", payout=Decimal(8)
            )
            Postback.objects.create(partner=partner, action_tracker=tracker, name=tracker.name, url=url)
    for number in range(networks):
        source = MediaSource.objects.create(name=f"{name} {number}")
        for tracker in trackers:
            Postback.objects.create(media_source=source, action_tracker=tracker, name=tracker.name, url=urls[0])
    return Shop(program.pk, [tracker.pk for tracker in trackers], [partner.pk for partner in partners])


def must_hold(number: int) -> None:
    """Raises CannotRunError unless `number` reports have become actions, with all their items and deliveries.

    Those that are answered and still queued are waited for.
    """
    until = time.monotonic() + _RECORDED_SECONDS
    while QueuedReport.objects.exists() and time.monotonic() < until:
        time.sleep(_POLL_SECONDS)
    found = (Action.objects.count(), Item.objects.count(), Delivery.objects.count())
    if found != (number, number * ITEMS, number * DELIVERIES):
        raise CannotRunError(f"{number} reports became {found[0]} actions, {found[1]} items, {found[2]} deliveries.")
