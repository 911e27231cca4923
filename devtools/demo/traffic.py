"""Made-up conversions of the demo's shop, endlessly."""

import random
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from django.db import InterfaceError, OperationalError, connection

from actions.recording.record import record
from actions.recording.results import Recorded, RejectedResult, Repeated, Result, Waiting
from actions.reports.report import parse_report

SHOP = 7000
ORDER = 7001
SIGN_UP = 7002
MAGAZINE = 7100
PARTNERS = (MAGAZINE, 7200)

GOODS = (
    ("TEA-01", "Tea", "Assam, 100 g", 690),
    ("TEA-07", "Tea", "Smoky Lapsang & rose", 840),
    ("POT-2", "Pots", 'Teapot "Brown Betty"', 2450),
    ("CUP 1/4", "Cups", "Quarter-pint cup", 1125),
    ("CAKE", "Cakes", "Seed cake", 980),
)
CITIES = (("Bristol", "GB"), ("São Paulo", "BR"), ("Kraków", "PL"), ("Portland", "US"))
# How far back a customer changes an order.
REMEMBERED_ORDERS = 20

Fields = dict[str, Any]


def reports(chance: random.Random, first_number: int) -> Iterator[Fields]:
    """Yield the fields of one report after another: orders, sign-ups, and changes to recent orders.

    Order ids count from `first_number`, so that a later run does not repeat those of an earlier one.
    """
    recent: deque[Fields] = deque(maxlen=REMEMBERED_ORDERS)
    number = first_number
    while True:
        kind = chance.random()
        if kind < 0.25 and recent:
            yield _change(chance, recent)
            continue
        number += 1
        if kind < 0.4:
            yield {**_event(SIGN_UP, f"CLUB-{number}"), "MediaPartnerId": MAGAZINE}
            continue
        order = _order(chance, f"KC-{number}")
        recent.append(order)
        yield order


def report_endlessly(pause_seconds: float, say: Callable[[str], None]) -> None:
    """Record a report every `pause_seconds` and `say` its result, forever."""
    for fields in reports(random.Random(), int(time.time())):  # noqa: S311 -- no secret
        try:
            (result,) = record([parse_report(fields)])
        except (OperationalError, InterfaceError):
            connection.close()
            say("The database does not answer; trying again.")
        else:
            say(_told(fields, result))
        time.sleep(pause_seconds)


def _event(tracker: int, order_id: str) -> Fields:
    return {"CampaignId": SHOP, "ActionTrackerId": tracker, "OrderId": order_id, "EventDate": "NOW"}


def _order(chance: random.Random, order_id: str) -> Fields:
    city, country = chance.choice(CITIES)
    goods = chance.sample(GOODS, chance.randint(1, 3))
    return {
        **_event(ORDER, order_id),
        "MediaPartnerId": chance.choice(PARTNERS),
        "CurrencyCode": "USD",
        "ClickId": f"{chance.getrandbits(48):x}",
        "CustomerCity": city,
        "CustomerCountry": country,
        "Items": [_item(sku, category, name, cents, chance.randint(1, 3)) for sku, category, name, cents in goods],
    }


def _item(sku: str, category: str, name: str, cents: int, quantity: int) -> Fields:
    subtotal = f"{cents * quantity / 100:.2f}"
    return {"Sku": sku, "Category": category, "Name": name, "Quantity": quantity, "SubTotal": subtotal}


def _change(chance: random.Random, recent: deque[Fields]) -> Fields:
    """Return one kind of goods, or the whole order; either way the order does not change again."""
    order = chance.choice(recent)
    recent.remove(order)
    change = {"ActionTrackerId": ORDER, "OrderId": order["OrderId"]}
    if len(order["Items"]) == 1 or chance.random() < 0.3:
        return {**change, "Event": "reversed", "Reason": "ORDER_ERROR"}
    returned = {**order["Items"][0], "Quantity": 0, "SubTotal": "0.00"}
    return {**change, "Event": "modified", "Reason": "ITEM_RETURNED", "Items": [returned]}


def _told(fields: Fields, result: Result) -> str:
    match result:
        case Recorded(event):
            return f"{event.kind} {event.action} (order {fields['OrderId']})"
        case Repeated():
            return f"order {fields['OrderId']} had already been recorded"
        case Waiting():
            return f"order {fields['OrderId']} is waited for"
        case RejectedResult(reason_code=code, message=message):
            return f"order {fields['OrderId']} was refused: {code} {message}"
