"""Whatever is reported, the web answers it as Django does, and the same is recorded.

The same requests each time; `make fuzz` makes more of them, and others: FUZZ_REPORTS and FUZZ_SEED.
"""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple
from urllib.parse import quote, quote_plus

import pytest

from actions.models import ActionEvent, QueuedReport
from partners.models import ActionTracker, Partner
from tests.front.test_reports import JSON, Shop
from tests.support.api import FORM
from tests.support.factories import make_partner, make_term
from tests.support.patience import wait_until
from tests.support.web import Web, running_web

pytestmark = pytest.mark.django_db(transaction=True)

REPORTS: Final = int(os.environ.get("FUZZ_REPORTS", "150"))
SEED: Final = os.environ.get("FUZZ_SEED", "1")

NAMES: Final = (
    *("Amount", "OrderDiscount", "PromoCode", "OrderPromoCode", "CurrencyCode", "EventDate", "CustomerCity", "Note"),
    *("CustomerEmail", "CustomerStatus", "SubId1", "SharedId", "ClickId", "MediaPartnerId", "ReferringType", "Reason"),
    *("ItemSku1", "ItemSubTotal1", "ItemQuantity1", "itemsku2", "ItemPrice2", "item_quantity_2", "ItemDiscount1"),
    *("Items", "Text1", "Text1 ", "Numeric1", "Date1", "Money1", "Nonsense", "", "n" * 120, "order_id", "Oid"),
)
TEXTS: Final = (
    *("", "0", "-1", "1.5", "12,50", "1e3", "1e400", "NaN", "\uff11\uff12", "12.345", "100000000000", "1,234.56"),
    *("USD", "eur", "JPY", "XXX", "2026-11-20", "20/11/2026", "2026-11-20T10:00:00+0100", "NOW", "null", "São Paulo"),
    *("日本", "😀", "\0", "a b+c", "a&b=c", "<x>", "%00", "%zz", "+", "  5 ", "5\n", "\t", "x" * 300, "a@b.example"),
    *("0" * 64, "[]", "{}", '[{"Sku": "A", "Quantity": 2, "SubTotal": "3.00"}]', "10%", "½"),
)
VALUES: Final = (5, 5.25, 1e22, -0.0, 0.1 + 0.2, 2**70, True, None, [1], {"a": 1}, [{"Sku": "A", "SubTotal": 3.1}])
ENCODED: Final = (
    quote_plus,
    lambda text: quote(text, safe=""),
    lambda text: text.replace("&", "%26").replace("=", "%3D").replace("+", "%2B"),
)
OF_FORMS: Final = (
    FORM,
    FORM,
    f"{FORM}; charset=utf-8",
    f"{FORM};charset=UTF-8",
    f"{FORM}; charset=iso-8859-1",
    FORM.upper(),
)
OF_JSON: Final = (JSON, JSON, f"{JSON}; charset=utf-8", "text/json", FORM)
ORDER: Final = "order-0"
_SUBMISSION: Final = re.compile(rb"A-\d+")


@pytest.fixture(scope="module")
def started(django_db_setup: None) -> Iterator[Web]:
    with running_web("--processes", "1") as web:
        yield web


def fields_of(chance: random.Random, tracker: ActionTracker, partner: Partner) -> list[tuple[str, Any]]:
    fields: list[tuple[str, Any]] = [
        ("CampaignId", tracker.program_id),
        ("ActionTrackerId", tracker.pk),
        ("EventDate", "2026-11-20T10:00:00Z"),
        ("OrderId", ORDER),
        ("MediaPartnerId", partner.pk),
    ]
    fields += [(chance.choice(NAMES), chance.choice(TEXTS)) for _ in range(chance.randint(0, 5))]
    if chance.random() < 0.1:
        del fields[chance.randrange(len(fields))]
    return fields


class Asked(NamedTuple):
    """A request about ORDER."""

    method: str
    path: str
    sent: bytes
    headers: dict[str, str]

    def about(self, order: str) -> Asked:
        """The same of another order."""
        path, sent = self.path.replace(ORDER, order), self.sent.replace(ORDER.encode(), order.encode())
        return self._replace(path=path, sent=sent)


def told(send: Callable[..., Any], request: Asked, order: str) -> tuple[int, bytes]:
    """The status and the text with which `send` answers this request about that order."""
    method, path, sent, headers = request.about(order)
    answer = send(method, path, sent, **headers)
    return answer.status_code, without_own(answer.content, order)


def without_own(text: bytes, order: str) -> bytes:
    """An answer's text without what two orders cannot share."""
    return _SUBMISSION.sub(b"", text.replace(order.encode(), b""))


def asked(chance: random.Random, tracker: ActionTracker, partner: Partner) -> Asked:
    fields = fields_of(chance, tracker, partner)
    headers = {"Accept": chance.choice(("text/xml", "*/*"))} if chance.random() < 0.1 else {}
    method, path = ("POST", "Conversions") if chance.random() < 0.8 else (chance.choice(("PUT", "DELETE")), "Actions")
    kind = chance.random()
    if kind < 0.6:
        encoded = chance.choice(ENCODED) if kind > 0.1 else quote_plus
        form = "&".join([f"{encoded(name)}={encoded(str(value))}" for name, value in fields])
        if kind < 0.1:
            return Asked(method, f"{path}?{form}", b"", headers)
        sent = form.encode()
        if chance.random() < 0.05:
            sent = sent.replace(b"2026", b"2026\xff", 1)
        return Asked(method, path, sent, {**headers, "Content-Type": chance.choice(OF_FORMS)})
    document = {name: chance.choice(VALUES) if chance.random() < 0.3 and place > 4 else value
                for place, (name, value) in enumerate(fields)}  # fmt: skip
    sent = json.dumps(document, ensure_ascii=chance.random() < 0.5).encode()
    if chance.random() < 0.1:
        sent = chance.choice((sent[:-1], b"\xef\xbb\xbf" + sent, sent[:-1] + b', "OrderId": "other"}'))
    return Asked(method, path, sent, {**headers, "Content-Type": chance.choice(OF_JSON)})


def test_it_answers_and_records_as_django_does(started: Web) -> None:
    shop, partner, chance = Shop(started), make_partner(), random.Random(SEED)  # noqa: S311 -- no secret
    make_term(shop.tracker, partner)
    order = 0
    for number in range(REPORTS):
        request = asked(chance, shop.tracker, partner)
        if request.method == "POST":  # A change is of the last order, which is there if it was not refused.
            order = number
        answer = told(shop.send, request, f"s-{order}")
        assert answer == told(shop.django, request, f"l-{order}"), request
        assert answer[0] < 500, request
    wait_until(lambda: not QueuedReport.objects.exists(), 30, "all are recorded")
    short, long = recorded("s-"), recorded("l-")
    assert short.keys() == long.keys()
    assert len(short) > REPORTS // 10
    for name, events in short.items():
        assert events == long[name], name


def recorded(prefix: str) -> dict[str, list[dict[str, Any]]]:
    """By the number of each order, what is told of its events, without what two orders cannot share."""
    own = ("ActionId", "Oid", "CreationDate")
    found: dict[str, list[dict[str, Any]]] = {}
    events = ActionEvent.objects.filter(action__order_id__startswith=prefix).select_related("action")
    for event in events.order_by("id"):
        values = {name: value for name, value in event.parameters.items() if name not in own}
        found.setdefault(event.action.order_id.removeprefix(prefix), []).append(values)
    return found
