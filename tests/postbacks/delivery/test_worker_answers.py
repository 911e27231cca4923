"""The whole way, with real worker processes: answers in each form that receivers give them, judged and shown by what
they say and not by how it came."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote, unquote

import brotli
import pytest

from postbacks.models import Attempt, Delivery
from tests.support.factories import make_partner, make_postback, make_term, make_tracker, record_action
from tests.support.patience import wait_until
from tests.support.receiver import Arrival, Response, ScriptedReceiver
from tests.support.workers import running_workers

pytestmark = pytest.mark.django_db(transaction=True)

ERROR = '{"status":"error"}'
ERROR_RULE = {"error_response": "json: status == 'error'"}
GZIP = {"Content-Encoding": "gzip"}


class Case(NamedTuple):
    """An answer, the rules of its postback, and what comes of it: the reason, and the body that is shown."""

    body: bytes
    headers: Mapping[str, str]
    rules: Mapping[str, str]
    delivered: bool
    reason: str
    shown: str


OK_RULE = {"success_response": "OK"}
WHOLE_RULE = {"success_response": "/^OK$/"}
OK, WHOLE = "The success rule OK matched", "The success rule /^OK$/ matched"
FOUND = "The error rule json: status == 'error' matched"
NO_GZIP = "The answer's body is not the gzip that its header says, or is broken"
JUNK = b"\x1f\x9d\x90\x00\xff"

CASES = {
    "an error in gzip": Case(gzip.compress(ERROR.encode(), mtime=0), GZIP, ERROR_RULE, False, FOUND, ERROR),
    "an error in deflate": Case(
        zlib.compress(ERROR.encode()), {"Content-Encoding": "deflate"}, ERROR_RULE, False, FOUND, ERROR
    ),
    "an error in br": Case(
        brotli.compress(ERROR.encode()), {"Content-Encoding": "br"}, ERROR_RULE, False, FOUND, ERROR
    ),
    "an OK in gzip": Case(gzip.compress(b"OK", mtime=0), GZIP, OK_RULE, True, OK, "OK"),
    "an OK in gzip, twice": Case(
        gzip.compress(gzip.compress(b"OK"), mtime=0), {"Content-Encoding": "gzip, gzip"}, OK_RULE, True, OK, "OK"
    ),
    "an OK in gzip with a line end": Case(
        gzip.compress(b"OK\r\n", mtime=0) + b"\n", GZIP, WHOLE_RULE, True, WHOLE, "OK\r\n"
    ),
    "an OK that claims to be gzip": Case(b"OK", GZIP, OK_RULE, True, OK, "OK"),
    "an OK encoded as UTF-8": Case(b"OK", {"Content-Encoding": "UTF-8"}, OK_RULE, True, OK, "OK"),
    "a line": Case(b"OK\r\n", {}, WHOLE_RULE, True, WHOLE, "OK\r\n"),
    "a mark": Case(b"\xef\xbb\xbfOK", {}, WHOLE_RULE, True, WHOLE, "OK"),
    "a mark before JSON": Case(b"\xef\xbb\xbf" + ERROR.encode(), {}, ERROR_RULE, False, FOUND, ERROR),
    "UTF-16": Case(ERROR.encode("utf-16"), {"Content-Type": "text/plain"}, ERROR_RULE, False, FOUND, ERROR),
    "Latin-1": Case(
        "Conversão aceita".encode("latin-1"),
        {"Content-Type": "text/html; charset=ISO-8859-1"},
        {"success_response": "Conversão aceita"},
        True,
        "The success rule Conversão aceita matched",
        "Conversão aceita",
    ),
    "broken, and no rule asks": Case(
        JUNK, GZIP, {}, True, f"Status 200 is a success, and no rule asks for its body. {NO_GZIP}.", ""
    ),
    "broken, and a rule asks": Case(JUNK, GZIP, ERROR_RULE, False, f"{NO_GZIP}: no rule can judge it", ""),
}


def test_an_answer_is_judged_and_shown_by_what_it_says() -> None:
    def script(arrival: Arrival) -> Response:
        case = CASES[unquote(arrival.path.removeprefix("/"))]
        return Response(200, case.body, case.headers)

    tracker, partner = make_tracker(), make_partner()
    make_term(tracker, partner)
    with ScriptedReceiver(script) as receiver, running_workers():
        for name, case in CASES.items():
            make_postback(tracker, partner, name=name, url=f"{receiver.url}/{quote(name)}", **case.rules)
        record_action(tracker, partner, CurrencyCode="USD", Items=[{"Sku": "A", "Quantity": 1, "SubTotal": "1.00"}])
        wait_until(lambda: Attempt.objects.filter(number=1).count() == len(CASES), 20, "each was tried")

    for name, case in CASES.items():
        attempt = Attempt.objects.get(number=1, delivery__postback__name=name)
        found = attempt.succeeded, attempt.reason, attempt.response_body
        assert found == (case.delivered, case.reason, case.shown), name
    delivered = Delivery.objects.filter(state=Delivery.State.DELIVERED).values_list("postback__name", flat=True)
    assert set(delivered) == {name for name, case in CASES.items() if case.delivered}


def test_a_stored_accept_encoding_is_not_sent() -> None:
    tracker, partner = make_tracker(), make_partner()
    make_term(tracker, partner)
    with ScriptedReceiver() as receiver, running_workers():
        make_postback(tracker, partner, url=receiver.url, headers="X-A: 1\nAccept-Encoding: exi, {Oid}\nX-B: 2")
        record_action(tracker, partner, CurrencyCode="USD", Items=[{"Sku": "A", "Quantity": 1, "SubTotal": "1.00"}])
        (arrival,) = receiver.wait_for(1)
    names = [name for name in arrival.headers if name != "Host"]
    assert names == ["User-Agent", "X-A", "X-B", "Accept-Encoding"]
    assert arrival.headers["Accept-Encoding"] == "gzip, deflate, br, zstd"
