"""What is logged: in which format, with which request's id, and without what nobody should find there."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import requests
from django.test import Client

from operations.logs.formats import JsonFormat, LineFormat
from operations.logs.redaction import redact
from operations.logs.request_ids import WithRequestId, request_ids
from postbacks.delivery.attempt_log import log_attempts
from postbacks.delivery.outcomes import Delivered, GaveUp, Judged, Released, Retry
from postbacks.egress.failures import Code, Failure
from tests.support.copies import Copy
from tests.support.delivery_rows import claimed, make_answer, prepared, sent
from tests.support.patience import wait_until
from tests.support.web import running_web

SECRET = "s3cr3t"


def record(message: str, *values: object, level: int = logging.INFO, **extra: object) -> logging.LogRecord:
    made = logging.getLogger("postbacks.tests").makeRecord("postbacks.tests", level, __file__, 1, message, values, None)
    made.__dict__.update(extra)
    return made


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GET https://a.example/in?token=s3cr3t&x=1 failed", "GET https://a.example/in?… failed"),
        ("https://a.example?token=s3cr3t.", "https://a.example?…"),
        ("(https://[::1]:8000/a/b/?k=s3cr3t%20x) and /path?k=s3cr3t#f", "(https://[::1]:8000/a/b/?… and /path?…"),
        ("postgres://app:s3cr3t@db.example/live", "postgres://…@db.example/live"),
        ("redis://:s3cr3t@redis/0 refused", "redis://…@redis/0 refused"),
        ("Authorization: Bearer s3cr3t, Accept: */*", "Authorization: …, Accept: */*"),
        ("{'X-Api-Key': 's3cr3t s3cr3t', 'Accept': 'a'}", "{'X-Api-Key': …, 'Accept': 'a'}"),
        ('{"Cookie": "sessionid=s3cr3t; a=b"}', '{"Cookie": …}'),
        ("password=s3cr3t host=db", "password=… host=db"),
        ("x-shop-token: s3cr3t", "x-shop-token: …"),
        ("Is it so? Yes, 2 > 1 ? a : b", "Is it so? Yes, 2 > 1 ? a : b"),
        ("METRICS_TOKEN: 20 characters or more are needed.", "METRICS_TOKEN: 20 characters or more are needed."),
        ("the key of order 7: paid", "the key of order 7: paid"),
    ],
)
def test_queries_credentials_and_secret_headers_are_taken_out(text: str, expected: str) -> None:
    assert redact(text) == expected
    assert SECRET not in redact(text)


def test_a_line_of_json_has_its_fields_and_no_secrets() -> None:
    made = record(
        "Could not call %s",
        f"https://a.example/in?token={SECRET}",
        level=logging.WARNING,
        request_id="abc-1",
        headers={"Authorization": SECRET, "Accept": "ü"},
        urls=[f"https://b.example/?k={SECRET}"],
        count=3,
        request=Mock(get_full_path=f"/?{SECRET}"),
    )
    text = JsonFormat().format(made)
    found = json.loads(text)
    assert (SECRET in text, "\n" in text) == (False, False)
    moment = found.pop("time")
    assert moment.endswith("+00:00")
    assert found == {
        "level": "WARNING",
        "logger": "postbacks.tests",
        "message": "Could not call https://a.example/in?…",
        "process": made.process,
        "request_id": "abc-1",
        "headers": {"Authorization": "…", "Accept": "ü"},
        "urls": ["https://b.example/?…"],
        "count": 3,
    }


@pytest.mark.parametrize("formatter", [JsonFormat(), LineFormat()])
def test_a_traceback_is_told_without_its_secrets(formatter: logging.Formatter) -> None:
    try:
        int(f"https://a.example/?token={SECRET}")
    except ValueError:
        made = record("It failed", exc_info=sys.exc_info())
    text = formatter.format(made)
    assert SECRET not in text
    assert "ValueError: invalid literal for int() with base 10: 'https://a.example/?…'" in text
    if isinstance(formatter, JsonFormat):
        assert json.loads(text)["exception"].startswith("Traceback (most recent call last)")
        assert "request_id" not in json.loads(text)


def test_a_line_for_people_ends_with_the_id_of_its_request() -> None:
    line = LineFormat().format(record("Done", request_id="abc-1"))
    assert line.partition(" ")[2] == "INFO postbacks.tests: Done [abc-1]"
    assert LineFormat().format(record("Done", request_id="")).endswith("tests: Done")


def test_a_text_from_outside_begins_no_line_of_its_own() -> None:
    line = LineFormat().format(record("Not found: %s", "/a\r\n12:00:00.000 INFO all: is well\x1b[2J\u2028\tü"))
    assert line.endswith(r"Not found: /a\r\n12:00:00.000 INFO all: is well\x1b[2J\u2028" + "\tü")
    assert len(JsonFormat().format(record("%s", "a\nb")).splitlines()) == 1


# The id of a request.


@pytest.fixture
def logged() -> Iterator[list[logging.LogRecord]]:
    """What Django logs of requests, with its id."""
    records: list[logging.LogRecord] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record)

    handler = Keep()
    handler.addFilter(WithRequestId())
    logger = logging.getLogger("django.request")
    logger.addHandler(handler)
    yield records
    logger.removeHandler(handler)


def ids(records: list[logging.LogRecord]) -> list[str]:
    return [record.__dict__["request_id"] for record in records]


@pytest.mark.django_db
def test_an_id_that_comes_along_is_kept_and_told(logged: list[logging.LogRecord]) -> None:
    response = Client().get("/no/such/page?token=x", headers={"X-Request-ID": "proxy-7:1"})
    assert (response.status_code, response.headers["X-Request-ID"]) == (404, "proxy-7:1")
    assert ids(logged) == ["proxy-7:1"]


@pytest.mark.django_db
@pytest.mark.parametrize("given", ["", "two words", "a" * 65, "line\nend", "ümlaut"])
def test_otherwise_each_request_gets_one_of_its_own(logged: list[logging.LogRecord], given: str) -> None:
    headers = {"X-Request-ID": given}
    told = [Client().get("/no/such/page", headers=headers).headers["X-Request-ID"] for _ in range(2)]
    assert told[0] != told[1]
    assert all(len(each) == 16 and each.isalnum() for each in told)
    assert ids(logged) == told


def test_within_a_request_every_line_has_it_and_afterwards_none(rf: Any) -> None:
    inside = record("inside")

    def view(_request: Any) -> Any:
        WithRequestId().filter(inside)
        return Mock(headers={})

    request_ids(view)(rf.get("/", headers={"X-Request-ID": "abc"}))
    outside = record("outside")
    WithRequestId().filter(outside)
    assert (inside.__dict__["request_id"], outside.__dict__["request_id"]) == ("abc", "")


# Attempts.


@pytest.fixture
def batch() -> list[Judged]:
    """One of each outcome; the request's URL and the answer hold what no log should."""
    one = prepared(claimed(lane=9), f"https://user:{SECRET}@receiver.example/{SECRET}?k={SECRET}")
    gone = sent(one, Failure(Code.CONNECT_TIMEOUT, f"no connection to {SECRET}"))
    refused = sent(one, make_answer(503, SECRET.encode()))
    return [
        Judged(one.claimed, Delivered(SECRET), sent(one)),
        Judged(one.claimed, Retry(SECRET, 5.0), refused),
        Judged(one.claimed, GaveUp(SECRET), gone),
        Judged(one.claimed, GaveUp(SECRET), None),
        Judged(one.claimed, Released(), None),
    ]


@pytest.mark.parametrize(("wanted", "count"), [("none", 0), ("failed", 3), ("all", 4)])
def test_which_attempts_are_logged(
    settings: Any, caplog: pytest.LogCaptureFixture, batch: list[Judged], wanted: str, count: int
) -> None:
    settings.LOG_ATTEMPTS = wanted
    with caplog.at_level(logging.INFO, "postbacks.attempts"):
        log_attempts(batch)
    assert len(caplog.records) == count


def test_the_line_of_an_attempt(settings: Any, caplog: pytest.LogCaptureFixture, batch: list[Judged]) -> None:
    settings.LOG_ATTEMPTS = "all"
    with caplog.at_level(logging.INFO, "postbacks.attempts"):
        log_attempts(batch)
    number = batch[0].claimed.delivery_id
    assert [each.getMessage() for each in caplog.records] == [
        f"Delivery {number} of postback 9, attempt 1 to receiver.example, 12 ms: delivered",
        f"Delivery {number} of postback 9, attempt 1 to receiver.example, 12 ms: retry: Status 5xx",
        f"Delivery {number} of postback 9, attempt 1 to receiver.example, 12 ms: failed: No connection in time",
        f"Delivery {number} of postback 9, attempt 1: failed: Request could not be built",
    ]
    found = json.loads(JsonFormat().format(caplog.records[1]))
    fields = ("delivery", "postback", "action", "attempt", "outcome", "reason", "status", "host", "duration_ms")
    assert [found[name] for name in fields] == [number, 9, 1, 1, "retry", "status_5xx", 503, "receiver.example", 12]
    assert SECRET not in "".join(JsonFormat().format(each) for each in caplog.records)


# As programs log.


def test_where_machines_read_it_is_json_and_at_home_lines(tmp_path: Path) -> None:
    copy = Copy(tmp_path)
    show = "from operations.logs.setup import *; print(log_format(), logged_attempts())"
    own = {"DATABASE_URL": "postgres://db.example/live"}
    for variables, expected in (
        ({}, "line failed"),
        (own, "json failed"),
        ({**own, "DEBUG": "true"}, "line failed"),
        ({"LOG_FORMAT": "json", "LOG_ATTEMPTS": "none"}, "json none"),
    ):
        assert copy.run("-c", show, **variables) == (0, f"{expected}\n")
    code, said = copy.run("-c", show, LOG_FORMAT="xml")
    assert code == 1
    assert said.endswith("ImproperlyConfigured: LOG_FORMAT=xml is not valid. Set json or line.\n")


@pytest.mark.django_db(transaction=True)
def test_every_line_of_the_web_is_an_object() -> None:
    with running_web("--processes", "1", variables={"LOG_FORMAT": "json"}) as web:
        url = f"{web.url}/nowhere?token={SECRET}"
        answer = requests.get(url, headers={"X-Request-ID": "try-1"}, timeout=30)
        assert (answer.status_code, answer.headers["X-Request-ID"]) == (404, "try-1")
        refused = requests.post(url, data=b"x" * 70_000, timeout=30)
        assert refused.status_code == 413
        wait_until(lambda: "Not Found" in web.log.read_text(), 5, "the refusal is logged")
    log = web.log
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert {"_granian", "django.request", "front.application.413"} <= {line["logger"] for line in lines}
    (refusal,) = [line for line in lines if line["logger"] == "django.request"]
    assert (refusal["message"], refusal["request_id"]) == ("Not Found: /nowhere", "try-1")
    assert SECRET not in log.read_text()
