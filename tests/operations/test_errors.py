"""What is sent to Sentry, as a transport gets it: where an error is in the code, and nothing of what it is about."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import sentry_sdk
from django.contrib.auth.views import LoginView
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from pytest_django import Settings
from sentry_sdk.transport import Transport

from environment.telemetry import sentry_dsn, traces_wanted
from operations import errors
from postbacks.delivery.process import logger as of_the_engine
from tests.support.copies import Copy

DSN = "https://public-key@sentry.example/7"
SECRET = "jane@example.com"  # And whatever else a message may quote.


class Recording(Transport):
    """Keeps what would be sent."""

    sent: list[dict[str, Any]]
    text: str

    def __init__(self, options: dict[str, Any] | None = None) -> None:
        super().__init__(options)
        type(self).sent, type(self).text = [], ""

    def capture_envelope(self, envelope: Any) -> None:
        type(self).text += envelope.serialize().decode()
        type(self).sent += [item.payload.json for item in envelope.items]


@pytest.fixture
def sentry(settings: Settings) -> Iterator[type[Recording]]:
    settings.SENTRY_DSN = DSN
    errors.start("web", Recording)
    try:
        yield Recording
    finally:
        sentry_sdk.get_global_scope().set_client(None)


def fail(*_: object, **__: object) -> None:
    secret = SECRET
    try:
        dict[str, str]()[f"no such customer: {secret}"]
    except LookupError as error:
        raise ValueError(f"Key (email)=({secret}) already exists.") from error


def test_an_error_comes_with_its_way_through_the_code_and_without_values(sentry: type[Recording]) -> None:
    try:
        fail()
    except ValueError:
        of_the_engine.exception("Delivery %d of %s failed.", 7, SECRET)
    (event,) = sentry.sent
    assert event["logentry"] == {"message": "Delivery %d of %s failed."}
    kinds = [(each["type"], each["stacktrace"]["frames"][-1]["function"]) for each in event["exception"]["values"]]
    assert kinds == [("KeyError", "fail"), ("ValueError", "fail")]
    assert event["exception"]["values"][-1]["stacktrace"]["frames"][-1]["context_line"].strip().startswith("raise Val")
    assert event["tags"]["program"] == "web"
    # The line in which the test itself writes the address is code.
    assert "jane" not in sentry.text.replace('SECRET = \\"jane@example.com\\"', "")


@pytest.mark.django_db
def test_of_a_request_goes_nothing_but_its_route_and_its_id(
    sentry: type[Recording], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LoginView, "dispatch", fail)
    headers = {"Authorization": "Bearer token-in-a-header", "Cookie": "sessionid=cookie", "X-Request-ID": "request-1"}
    answer = Client(raise_request_exception=False).post(
        "/admin/login/?next=query-string", {"username": "name-in-a-body"}, headers=headers
    )
    assert answer.status_code == 500
    (event,) = [each for each in sentry.sent if each["logger"] == "django.request"]
    assert event["transaction"] == "admin/login/"
    assert event["tags"] == {"program": "web", "request_id": "request-1"}
    assert event["exception"]["values"][-1]["type"] == "ValueError"
    assert not {"request", "user", "extra", "breadcrumbs", "contexts"} & event.keys()
    for hidden in ("token-in-a-header", "cookie", "query-string", "name-in-a-body"):
        assert hidden not in sentry.text


def test_a_message_that_may_be_composed_already_is_not_sent(sentry: type[Recording]) -> None:
    logging.getLogger("library.part").error(f"no row for {SECRET}")  # noqa: G004 -- as libraries do
    logging.getLogger("library.part").error("no row for %s", SECRET)
    messages = [each["logentry"]["message"] for each in sentry.sent]
    assert messages == ["(a message of library.part)", "no row for %s"]


def test_a_thread_that_ends_by_an_error_is_told(sentry: type[Recording]) -> None:
    thread = threading.Thread(target=fail)
    hook, threading.excepthook = threading.excepthook, lambda _: None
    try:
        thread.start()
        thread.join()
    finally:
        threading.excepthook = hook
    assert [each["exception"]["values"][-1]["type"] for each in sentry.sent] == ["ValueError"]


def test_what_is_no_error_is_not_sent(sentry: type[Recording]) -> None:
    of_the_engine.warning("Nothing is claimed until outcomes can be recorded again.")
    assert sentry.sent == []


def test_where_it_is_off_nothing_of_it_is_loaded(tmp_path: Any) -> None:
    """Neither of errors nor of traces, in the web and in a worker, until both are asked for."""
    program = """
import sys, front.application, config.celery
from operations import errors
from tracing import traces
config.celery.app.loader.import_default_modules()
errors.start("web"); errors.stop(); traces.start("web", "0"); traces.stop()
# The client of Redis imports the SDK by itself, wherever that is installed.
print(sorted(name for name in sys.modules if name.startswith(("sentry_sdk", "opentelemetry.exporter", "tracing.rec"))))
print(traces.are_on())
"""
    copy = Copy((tmp_path / "var").resolve())
    off = {"SENTRY_DSN": "", "OTEL_EXPORTER_OTLP_ENDPOINT": ""}
    code, output = copy.run("-c", program, **off)
    assert (code, output.split()) == (0, ["[]", "False"])


@pytest.mark.parametrize(
    "dsn", ["sentry.test", "https://sentry.test/7", "https://key@sentry.test/", "https://key@[/7", "ftp://k@s/7"]
)
def test_an_address_that_is_none_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch, dsn: str) -> None:
    monkeypatch.setenv("SENTRY_DSN", dsn)
    with pytest.raises(ImproperlyConfigured, match="SENTRY_DSN is not valid") as refused:
        sentry_dsn()
    assert dsn not in str(refused.value)


def test_without_the_packages_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("environment.telemetry.find_spec", lambda _name: None)
    monkeypatch.setenv("SENTRY_DSN", DSN)
    with pytest.raises(ImproperlyConfigured, match=r"SENTRY_DSN is set, .*'partner-postbacks\[sentry\]'"):
        sentry_dsn()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://collector:4318/v1/traces")
    with pytest.raises(ImproperlyConfigured, match=r"TRACES_ENDPOINT is set, .*'partner-postbacks\[otel\]'"):
        traces_wanted()


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_SDK_DISABLED": "TRUE"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_TRACES_EXPORTER": "none"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, True),
    ],
    ids=["nothing", "a collector", "disabled", "no exporter", "its protocol"],
)
def test_traces_are_on_where_opentelemetry_s_variables_say_so(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], wanted: bool
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert traces_wanted() is wanted


@pytest.mark.parametrize(
    ("name", "value"), [("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), ("OTEL_TRACES_EXPORTER", "console")]
)
def test_what_cannot_be_done_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4317")
    monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured, match=name):
        traces_wanted()
