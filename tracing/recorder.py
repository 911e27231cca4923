"""Spans as OpenTelemetry's SDK records and sends them. Imported only where traces are on.

Samplers, limits, the address of the collector and its headers come from the variables `OTEL_…`, which the SDK reads.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.trace.propagation import set_span_in_context

from tracing import marks
from tracing.marks import Place

_NANOSECONDS = 1_000_000_000


class Request:
    """The span of a request that is being answered. `mark` is None if it is not recorded."""

    def __init__(self, span: Span, method: str) -> None:
        self._span, self._method = span, method
        context = span.get_span_context()
        place = Place(context.trace_id, context.span_id, sampled=True)
        self.mark = marks.mark_of(place) if span.is_recording() and context.trace_flags.sampled else None

    def route(self, route: str) -> None:
        """Name it by its route."""
        self._span.update_name(f"{self._method} {route}")
        self._span.set_attribute("http.route", route)

    def status(self, status: int) -> None:
        """How it was answered."""
        self._span.set_attribute("http.response.status_code", status)
        if status >= 500:
            self._span.set_status(Status(StatusCode.ERROR))

    def end(self) -> None:
        """It has been answered."""
        self._span.end()


class Recorder:
    """The spans of one process."""

    def __init__(self, program: str, version: str, processor: SpanProcessor) -> None:
        self._ids = _Ids()
        # Whoever ends the process stops it: at exit, the SDK would wait for a collector that hangs.
        self._provider = TracerProvider(
            resource=_resource(program, version), id_generator=self._ids, shutdown_on_exit=False
        )
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("partner-postbacks", version)

    def request(self, method: str, incoming: str) -> Request:
        """Begin the span of a request."""
        attributes = {"http.request.method": method}
        span = self._tracer.start_span(method, _below(incoming), SpanKind.SERVER, attributes)
        return Request(span, method)

    def note(
        self,
        name: str,
        below: str,
        began: float,
        ended: float,
        attributes: Mapping[str, str | int],
        *,
        mark: str,
        calls: bool,
        failed: bool,
    ) -> None:
        """Record a span that has ended."""
        place = marks.read(mark)
        self._ids.next_span = place.span_id if place else None
        kind = SpanKind.CLIENT if calls else SpanKind.INTERNAL
        span = self._tracer.start_span(
            name, _below(below), kind, dict(attributes), start_time=int(began * _NANOSECONDS)
        )
        if failed:
            span.set_status(Status(StatusCode.ERROR))
        span.end(int(ended * _NANOSECONDS))

    def stop(self) -> None:
        """Send what was not sent yet."""
        self._provider.shutdown()


class _Ids(RandomIdGenerator, threading.local):
    """Random ids, but for a span whose id was given away before it began."""

    next_span: int | None = None

    def generate_span_id(self) -> int:
        given, self.next_span = self.next_span, None
        return given or super().generate_span_id()


def exporting(program: str, version: str) -> Recorder:
    """A recorder that sends spans to the collector of OTEL_EXPORTER_OTLP_ENDPOINT."""
    return Recorder(program, version, BatchSpanProcessor(OTLPSpanExporter()))


def _resource(program: str, version: str) -> Resource:
    named = "OTEL_SERVICE_NAME" in os.environ or "service.name=" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    name = {} if named else {"service.name": f"postbacks-{program}"}
    return Resource.create({"service.version": version, **name})


def _below(mark: str) -> Context:
    """The context of a span below this one; of a new trace, if it is none."""
    place = marks.read(mark)
    if place is None:
        return Context()
    flags = TraceFlags(TraceFlags.SAMPLED if place.sampled else TraceFlags.DEFAULT)
    return set_span_in_context(
        NonRecordingSpan(SpanContext(place.trace_id, place.span_id, is_remote=True, trace_flags=flags)), Context()
    )
