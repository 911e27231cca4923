"""Reports on the short way: answered as Django answers them, kept before that, and recorded whatever happens."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import requests
from django.db import connection, transaction
from django.test import Client

from actions.api.tokens import create_token, revoke
from actions.intake.recorder import LOCK_MS
from actions.models import Action, ActionEvent, QueuedReport, Submission
from front.known_tokens import KNOWN_SECONDS
from partners.models import ActionTracker
from tests.support.api import FORM
from tests.support.factories import make_tracker, report_fields
from tests.support.locks import waiting_for_locks
from tests.support.patience import wait_until
from tests.support.queued import grow_old
from tests.support.web import Web, running_web

pytestmark = pytest.mark.django_db(transaction=True)

JSON = "application/json"
# Of each request another one: its order, its submission, its own id, and what is left of its second.
OWN = {"X-Request-ID", "X-RateLimit-Remaining", "Date", "date"}


class Shop:
    """Reports to a web, and to Django without one."""

    def __init__(self, web: Web) -> None:
        self.tracker: ActionTracker = make_tracker()
        self.web = web
        self.token, text = create_token("shop")
        self.auth = (self.token.account_sid, text)

    def send(self, method: str, path: str, body: Any = b"", **headers: str) -> requests.Response:
        url = f"{self.web.url}/Advertisers/{self.token.account_sid}/{path}"
        with requests.Session() as session:
            request = requests.Request(method, url, data=body, auth=self.auth, headers={"Accept": JSON, **headers})
            return session.send(request.prepare(), timeout=60, allow_redirects=False)

    def django(self, method: str, path: str, body: Any = b"", **headers: str) -> Any:
        given = requests.Request(method, "http://localhost/", auth=self.auth).prepare().headers["Authorization"]
        content_type = headers.pop("Content-Type", "")
        return Client(raise_request_exception=False).generic(
            method,
            f"/Advertisers/{self.token.account_sid}/{path}",
            body,
            content_type=content_type,
            headers={"Accept": JSON, "Host": f"127.0.0.1:{self.web.port}", "Authorization": given, **headers},
        )

    def report(self, **more: Any) -> requests.Response:
        return self.send("POST", "Conversions", {**report_fields(self.tracker), **more})

    def raw(self, **more: Any) -> bytes:
        """A report as it goes over the wire."""
        url = f"{self.web.url}/Advertisers/{self.token.account_sid}/Conversions"
        fields = {**report_fields(self.tracker), **more}
        request = requests.Request("POST", url, data=fields, auth=self.auth, headers={"Accept": JSON}).prepare()
        headers = {"Host": f"127.0.0.1:{self.web.port}", **request.headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"POST {request.path_url} HTTP/1.1\r\n{head}\r\n{request.body!s}".encode()


@pytest.fixture(scope="module")
def started(django_db_setup: None) -> Iterator[Web]:
    """One web for the tests that do it no harm."""
    with running_web("--processes", "1") as web:
        yield web


@pytest.fixture
def shop(started: Web) -> Shop:
    return Shop(started)


def body(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


ASKED: dict[str, tuple[str, str, bytes, dict[str, str]]] = {
    "no fields": ("POST", "Conversions", b"", {}),
    "no order id": ("POST", "Conversions.json/", b"CampaignId=1", {"Content-Type": FORM}),
    "XML": ("POST", "Conversions.xml", b"CampaignId=1", {"Content-Type": FORM}),
    "XML preferred": ("POST", "Conversions", b"x=1", {"Content-Type": FORM, "Accept": "text/xml"}),
    "no JSON": ("POST", "Conversions", b"{", {"Content-Type": JSON}),
    "JSON called a form": ("POST", "Conversions", body(OrderId="1"), {"Content-Type": FORM}),
    "another charset": ("POST", "Conversions", b"Note=\xe9", {"Content-Type": f"{FORM}; charset=iso-8859-1"}),
    "an unknown charset": ("POST", "Conversions", b"Note=1", {"Content-Type": f"{FORM}; charset=x"}),
    "many parts": ("POST", "Conversions", b"--x--", {"Content-Type": "multipart/form-data; boundary=x"}),
    "two values": ("POST", "Conversions?Note=1", b"Note=2", {"Content-Type": FORM}),
    "NUL": ("POST", "Conversions?Note=%00", b"", {}),
    "compressed": ("POST", "Conversions", b"x", {"Content-Encoding": "gzip"}),
    "no order": ("PUT", "Actions", b"ActionTrackerId=1&OrderId=none&Amount=1", {"Content-Type": FORM}),
    "nothing new": ("PUT", "Actions", b"ActionTrackerId=1", {"Content-Type": FORM}),
    "items of a reversal": ("DELETE", "Actions", body(ActionId="1.2.3", Items=[{"Sku": "1"}]), {"Content-Type": JSON}),
    "another host": ("POST", "Conversions", b"", {"Host": "elsewhere.example"}),
    "an id of its own": ("POST", "Conversions", b"", {"X-Request-ID": "abc-1"}),
    "a proxy": ("POST", "Conversions", b"", {"X-Forwarded-Proto": "https"}),
}


@pytest.mark.parametrize("asked", [pytest.param(asked, id=name) for name, asked in ASKED.items()])
def test_it_answers_as_django_does(shop: Shop, asked: tuple[str, str, bytes, dict[str, str]]) -> None:
    method, path, sent, headers = asked
    shop.send(method, path, sent, **headers)  # From now on, a usual head is known by its bytes.
    short, long = shop.send(method, path, sent, **headers), shop.django(method, path, sent, **headers)
    assert (short.status_code, _without_ids(short.content)) == (long.status_code, _without_ids(long.content))
    expected = {name: value for name, value in long.headers.items() if name not in OWN}
    # The length has that of the submission's id in it.
    assert {name.lower() for name in expected} - {"content-length"} <= {name.lower() for name in short.headers}
    for name, value in expected.items():
        # Of the policy, each process has its own order.
        assert name == "Content-Length" or _parts(short.headers[name]) == _parts(value), name
    assert ("X-Request-ID" in headers) == (short.headers["X-Request-ID"] == headers.get("X-Request-ID"))


def _parts(value: str) -> list[str]:
    return sorted(value.split("; "))


def _without_ids(content: bytes) -> bytes:
    start, _, rest = content.partition(b"/APISubmissions/A-")
    return start + rest.lstrip(b"0123456789")


def test_reports_of_one_connection_are_answered_in_their_order_however_they_are_cut(shop: Shop) -> None:
    sent = [shop.raw(OrderId=f"o-{each}") for each in range(5)]
    with shop.web.connect() as connection:
        for report in sent[:2]:
            connection.sendall(report)
            assert heard(connection, 1) == ["QUEUED"]
        for part in (sent[2][:100], sent[2][100:-30], sent[2][-30:-1], sent[2][-1:] + sent[3] + sent[4][:-5]):
            connection.sendall(part)
        assert heard(connection, 2) == ["QUEUED"] * 2
        connection.sendall(sent[4][-5:] + b"no request\r\n\r\n")
        assert heard(connection, 1) == ["QUEUED"]
        assert connection.recv(1) == b"", "what cannot be read ends the connection"
    wait_until(lambda: Action.objects.count() == 5, 10, "all are recorded")


def heard(connection: socket.socket, answers: int) -> list[str]:
    """The `Status` of so many answers."""
    found = []
    for _ in range(answers):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += connection.recv(1)
        assert head.startswith(b"HTTP/1.1 200 "), head
        (length,) = re.findall(rb"content-length: (\d+)", head)
        found.append(json.loads(connection.recv(int(length), socket.MSG_WAITALL))["Status"])
    return found


def test_a_report_that_contradicts_itself_is_refused_at_once(shop: Shop) -> None:
    answer = shop.report(Items="", Amount="5", OrderDiscount="9")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "OrderDiscount")
    assert Submission.objects.get().result == "rejected"


def test_who_reads_after_an_answer_sees_what_was_reported(shop: Shop) -> None:
    order = "o-1"
    for each in range(5):
        told = shop.report(OrderId=f"{order}{each}").json()
        seen = shop.send("GET", told["QueuedUri"].split("/", 3)[3]).json()
        assert (seen["Status"], seen["Result"]) == ("Complete", "recorded")


def test_a_revoked_token_is_refused_within_the_documented_second(shop: Shop) -> None:
    assert shop.report().status_code == 200
    shop.token.refresh_from_db()
    assert shop.token.last_used_at is not None
    revoke(shop.token)
    wait_until(lambda: shop.report().status_code == 401, KNOWN_SECONDS + 1, "the token is refused")


def test_a_locked_row_holds_no_other_report(shop: Shop) -> None:
    shop.report(OrderId="held")
    wait_until(Action.objects.exists, 10, "it is recorded")
    named = {"ActionTrackerId": shop.tracker.pk, "OrderId": "held", "Amount": "7"}
    with transaction.atomic():
        Action.objects.select_for_update().get()
        assert shop.send("PUT", "Actions", named).status_code == 200
        assert shop.report(OrderId="free").status_code == 200
        wait_until(Action.objects.filter(order_id="free").exists, LOCK_MS / 1000 + 5, "the other is recorded")
        (waiting,) = QueuedReport.objects.all()
        told = shop.send("GET", f"APISubmissions/A-{waiting.pk}").json()
        assert (told["Status"], told["OrderId"]) == ("Queued", "held")
        grow_old()
    wait_until(lambda: Action.objects.get(order_id="held").amount == 7, 20, "the held one is tried again")


@pytest.mark.worker
def test_a_process_killed_after_its_answers_loses_nothing_and_doubles_nothing() -> None:
    with running_web("--processes", "2") as web:
        shop = Shop(web)
        number = 12
        with transaction.atomic():
            # What is answered now cannot be recorded before the processes are killed.
            ActionTracker.objects.select_for_update().get(pk=shop.tracker.pk)
            answers = [shop.report(OrderId=f"o-{each}") for each in range(number)]
            assert [answer.status_code for answer in answers] == [200] * number
            for process in web.serving():
                os.kill(process.pid, signal.SIGKILL)
        grow_old()
        wait_until(lambda: not QueuedReport.objects.exists(), 40, "the processes that follow record them")
        assert shop.report(OrderId="o-0").status_code == 200
        wait_until(lambda: Submission.objects.count() == number + 1, 20, "the repeat is recorded")
    assert Action.objects.count() == ActionEvent.objects.count() == number
    assert Submission.objects.order_by("id").values_list("reason_code", flat=True).last() == "CONV_DUPLICATE"


def test_callers_that_go_away_change_nothing_for_others(shop: Shop) -> None:
    assert shop.report(OrderId="before").status_code == 200
    wait_until(lambda: Action.objects.count() == 1 and not QueuedReport.objects.exists(), 10, "it is recorded")
    with transaction.atomic(), connection.cursor() as cursor, ExitStack() as callers:
        cursor.execute("LOCK TABLE actions_queuedreport IN ACCESS EXCLUSIVE MODE")  # So that none is answered yet.
        for each in range(12):
            callers.enter_context(shop.web.connect()).sendall(shop.raw(OrderId=f"gone-{each}"))
        callers.enter_context(shop.web.connect()).sendall(shop.raw(OrderId="half")[:-1])
        wait_until(waiting_for_locks, 10, "the web keeps the first")
        callers.close()
    assert shop.report(OrderId="after").status_code == 200
    wait_until(lambda: Action.objects.filter(order_id="after").exists(), 10, "the next is recorded")
    wait_until(lambda: not QueuedReport.objects.exists(), 10, "nothing is left")
    assert Action.objects.filter(order_id__startswith="gone-").exists(), "what was being kept, though nobody waits"
    assert not Action.objects.filter(order_id="half").exists()
