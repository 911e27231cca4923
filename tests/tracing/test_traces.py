"""Where traces are on: one for each report, from its request to the last attempt, and nothing of its values."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from threading import Event
from typing import Any

import pytest
import requests
from django.utils import timezone
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from pytest_django import Settings

from actions.api.tokens import create_token
from actions.intake import queue
from actions.intake.catch_up import take_left
from actions.intake.recorder import record_queued
from actions.intake.taken import take
from actions.models import ActionEvent, QueuedReport
from front.traced import traced
from postbacks.models import Attempt, Delivery
from tests.support.counted_messages import counted
from tests.support.factories import make_media_source, make_postback, make_tracker, report_fields
from tests.support.patience import wait_until
from tests.support.receiver import Arrival, Response, ScriptedReceiver
from tests.support.spans import Collector, finished, recorded_spans, running_collector
from tests.support.web import running_web
from tests.support.workers import start_worker
from tracing import marks, traces

MARK = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
UNSAMPLED = f"{MARK[:-1]}0"


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    with recorded_spans() as exporter:
        yield exporter


async def ask(scope: dict[str, Any]) -> list[str | None]:
    """Ask an application that notes the mark of the request."""
    seen: list[str | None] = []

    async def application(_scope: Any, _receive: Any, send: Any) -> None:
        seen.append(traces.current())
        await send({"type": "http.response.start", "status": 503, "headers": []})

    async def receive() -> dict[str, Any]:
        return {}

    async def send(_message: dict[str, Any]) -> None:
        return None

    await traced(application)(scope, receive, send)
    return seen


def scope(*headers: tuple[bytes, bytes], path: str = "/Advertisers/SID/Conversions") -> dict[str, Any]:
    return {"type": "http", "method": "POST", "path": path, "query_string": b"x=secret", "headers": list(headers)}


@pytest.mark.parametrize("continued", [True, False])
def test_the_trace_of_who_reports_goes_on_only_where_that_is_allowed(
    spans: InMemorySpanExporter, settings: Settings, continued: bool
) -> None:
    settings.TRACES_CONTINUED = continued
    (mark,) = asyncio.run(ask(scope((b"traceparent", MARK.encode()))))
    (span,) = spans.get_finished_spans()
    assert mark is not None
    assert (mark[3:35] == MARK[3:35]) is continued
    assert (span.parent is not None) is continued
    assert span.kind == SpanKind.SERVER
    assert dict(span.attributes or {}) == {"http.request.method": "POST", "http.response.status_code": 503}
    assert not span.status.is_ok


@pytest.mark.parametrize(
    "headers",
    [[b"no mark"], [MARK.encode(), MARK.encode()], ["é".encode()]],
    ids=["no mark", "two of them", "not of ASCII"],
)
def test_what_is_no_single_mark_begins_a_trace(
    spans: InMemorySpanExporter, settings: Settings, headers: list[bytes]
) -> None:
    settings.TRACES_CONTINUED = True
    (mark,) = asyncio.run(ask(scope(*((b"traceparent", each) for each in headers))))
    assert mark is not None
    assert mark[3:35] != MARK[3:35]


def test_what_is_not_sampled_leaves_nothing(spans: InMemorySpanExporter, settings: Settings) -> None:
    settings.TRACES_CONTINUED = True
    assert asyncio.run(ask(scope((b"traceparent", UNSAMPLED.encode())))) == [None]
    assert spans.get_finished_spans() == ()


def test_probes_are_not_traced(spans: InMemorySpanExporter) -> None:
    assert asyncio.run(ask(scope(path="/readyz/web"))) == [None]
    assert spans.get_finished_spans() == ()


def test_work_on_another_thread_belongs_to_the_request(spans: InMemorySpanExporter) -> None:
    async def work() -> tuple[str | None, str | None]:
        with traces.request("GET"):
            loop = asyncio.get_running_loop()
            return traces.current(), await loop.run_in_executor(None, traces.along(traces.current))

    here, there = asyncio.run(work())
    assert here == there is not None


@pytest.mark.django_db(transaction=True)
def test_a_report_that_another_process_records_stays_in_its_trace(spans: InMemorySpanExporter) -> None:
    tracker, token = make_tracker(), create_token("shop")[0]
    with traces.request("POST"):
        traced_one = take(token, "conversion", report_fields(tracker), timezone.now())
    other = take(token, "conversion", report_fields(tracker), timezone.now())
    queue.put([traced_one, other])
    assert list(QueuedReport.objects.values_list("trace", flat=True).order_by("id")) == [traced_one.trace, None]
    QueuedReport.objects.update(queued_at=timezone.now().replace(year=2020))
    with traces.request("GET"):  # Of whoever records it; it is not the report's.
        take_left(5)
    assert list(ActionEvent.objects.order_by("id").values_list("trace", flat=True)) == [traced_one.trace, None]
    named = {span.name: span for span in spans.get_finished_spans()}
    for name in ("keep", "record"):
        above = named[name].parent
        assert above is not None
        assert marks.read(traced_one.trace or "") == (above.trace_id, above.span_id, True)
        assert dict(named[name].attributes or {}) == {"postbacks.submission": traced_one.id, "postbacks.together": 2}


@pytest.mark.django_db(transaction=True)
def test_without_traces_not_a_message_more_is_sent() -> None:
    """The statements of a traced report and of another are as many; and of the other, none mentions a trace."""
    tracker, token = make_tracker(), create_token("shop")[0]
    make_postback(tracker, make_media_source())

    def messages() -> list[str]:
        with counted() as sent:
            one = take(token, "conversion", report_fields(tracker), timezone.now())
            queue.put([one])
            record_queued([one])
            return list(sent)

    messages()  # What a process reads once.
    off = messages()
    with recorded_spans(), traces.request("POST"):
        on = messages()
    assert len(on) == len(off)
    assert not any("trace" in message for message in off)
    assert any("trace" in message for message in on)


def test_a_span_keeps_the_id_that_was_given_away(spans: InMemorySpanExporter) -> None:
    mark = marks.child_of(MARK)
    traces.note("GET", MARK, 1.0, 2.5, {"a": 1}, mark=mark, calls=True, failed=True)
    traces.note("next", MARK, 1.0, 2.5, {})
    given, other = finished(spans)["GET"], finished(spans)["next"]
    place = marks.read(mark)
    assert place is not None
    assert given.context is not None
    assert other.context is not None
    assert (given.context.trace_id, given.context.span_id) == (place.trace_id, place.span_id)
    assert other.context.span_id != place.span_id
    assert (given.start_time, given.end_time) == (1_000_000_000, 2_500_000_000)


def test_a_collector_that_hangs_holds_up_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = Event()
    monkeypatch.setattr(traces, "STOP_SECONDS", 0.1)
    with recorded_spans() as exporter:
        monkeypatch.setattr(exporter, "shutdown", lambda: hanging.wait(30))
        traces.stop()
        assert not hanging.is_set()
        assert not traces.are_on()
    hanging.set()


def test_what_cannot_be_started_stops_nobody(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    settings.TRACES = True
    monkeypatch.setattr("tracing.recorder.exporting", lambda *_: 1 // 0)
    traces.start("web", "0")
    assert not traces.are_on()


@pytest.mark.django_db(transaction=True)
def test_one_trace_shows_a_report_from_its_request_to_its_attempts(empty_redis: object) -> None:
    """By real processes and a real collector: request, keep, record, deliver, attempt; a retry is a part of it too."""

    def script(arrival: Arrival) -> Response:
        return Response(503) if arrival.query["n"] == "1" else Response()

    tracker, network = make_tracker(), make_media_source()
    with running_collector() as collector, ScriptedReceiver(script) as receiver:
        told = make_postback(tracker, network, url=f"{receiver.url}/told?n={{Attempt}}&o={{Oid}}", send_trace=True)
        make_postback(tracker, network, url=f"{receiver.url}/other?n=2&o={{Oid}}")
        variables = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_EXPORTER_OTLP_HEADERS": "x-key=of-the-tests",
            "OTEL_BSP_SCHEDULE_DELAY": "200",
            "TRACES_CONTINUED": "true",
        }
        token, text = create_token("shop")
        fields = report_fields(tracker, OrderId="order-to-be-kept-quiet", CustomerId="jane")
        with (
            start_worker(concurrency=1, variables=variables),
            running_web("--processes", "1", variables=variables) as web,
        ):
            answer = requests.post(
                f"{web.url}/Advertisers/{token.account_sid}/Conversions",
                data=fields,
                auth=(token.account_sid, text),
                headers={"Accept": "application/json", "traceparent": MARK},
                timeout=30,
            )
            assert answer.status_code == 200, answer.text
            arrivals = receiver.wait_for(3, timeout=30)
            wait_until(
                lambda: not Delivery.objects.filter(state__in=Delivery.UNFINISHED).exists(), 15, "all have ended"
            )
        by_id = {span.span_id: span for _, span in collector.spans}
        _look_at_the_tree(collector, by_id)
        told_of = {each.query["n"]: each.headers.get("traceparent", "") for each in arrivals if "/told" in each.url}
        assert all(bytes.fromhex(each[36:52]) in by_id for each in told_of.values()), "an attempt's own span"
        assert len(set(told_of.values())) == 2
        assert [each.headers.get("traceparent") for each in arrivals if "/other" in each.url] == [None]
        for hidden in ("jane", "kept-quiet", token.account_sid, text, "n=", "/told"):
            assert hidden not in collector.text
        assert {each["x-key"] for each in collector.headers} == {"of-the-tests"}
    kept = Attempt.objects.filter(delivery__postback=told).values_list("request_headers", flat=True)
    assert all("traceparent: 00-" in each for each in kept), "the log shows what was sent"


def _look_at_the_tree(collector: Collector, by_id: dict[bytes, Any]) -> None:
    root = "POST Advertisers/<account_sid>/Conversions"
    tree = sorted((service, span.name, _parent(span, by_id)) for service, span in collector.spans)
    assert tree == sorted(
        [
            ("postbacks-web", root, MARK[36:52]),
            ("postbacks-web", "keep", root),
            ("postbacks-web", "record", root),
            *[("postbacks-worker", "deliver", root)] * 3,
            *[("postbacks-worker", "GET", "deliver")] * 3,
        ]
    )
    assert {span.trace_id.hex() for span in by_id.values()} == {MARK[3:35]}
    attempts = [_attributes(span) for _, span in collector.spans if span.name == "GET"]
    assert {each["server.address"] for each in attempts} == {"127.0.0.1"}
    assert sorted(each["http.response.status_code"] for each in attempts) == ["200", "200", "503"]
    outcomes = [_attributes(span)["postbacks.outcome"] for _, span in collector.spans if span.name == "deliver"]
    assert sorted(outcomes) == ["delivered", "delivered", "retry"]
    for _, span in collector.spans:
        above = by_id.get(span.parent_span_id)
        assert span.start_time_unix_nano <= span.end_time_unix_nano
        if above is not None and span.name == "GET":
            assert above.start_time_unix_nano <= span.start_time_unix_nano <= above.end_time_unix_nano


def _parent(span: Any, by_id: dict[bytes, Any]) -> str:
    above = by_id.get(span.parent_span_id)
    return str(above.name if above is not None else span.parent_span_id.hex())


def _attributes(span: Any) -> dict[str, str]:
    return {each.key: each.value.string_value or str(each.value.int_value) for each in span.attributes}
