"""Spans: kept in memory, and received as a collector receives them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from environment.addresses import LOCALHOST
from tracing import traces
from tracing.recorder import Recorder


@contextmanager
def recorded_spans() -> Iterator[InMemorySpanExporter]:
    """Traces are on in this process; what is recorded stays in memory."""
    exporter = InMemorySpanExporter()
    traces._recorder = Recorder("tests", "0", SimpleSpanProcessor(exporter))
    try:
        yield exporter
    finally:
        traces.stop()


def finished(exporter: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    """The spans that have ended, by their names, of which there is one each."""
    spans = {span.name: span for span in exporter.get_finished_spans()}
    assert len(spans) == len(exporter.get_finished_spans())
    return spans


class Collector:
    """Takes spans by OTLP over http. `spans` are all that came, with the name of the service of each."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, Span]] = []
        self.headers: list[dict[str, str]] = []
        self.text = ""  # All that came, as text.
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.take(self.path, dict(self.headers), body)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer((LOCALHOST, 0), Handler)
        self.url = f"http://{LOCALHOST}:{self._server.server_address[1]}"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def take(self, path: str, headers: dict[str, str], body: bytes) -> None:
        assert path == "/v1/traces"
        request = ExportTraceServiceRequest.FromString(body)
        self.headers.append(headers)
        self.text += str(MessageToDict(request))
        for of_resource in request.resource_spans:
            service = {each.key: each.value.string_value for each in of_resource.resource.attributes}["service.name"]
            for of_scope in of_resource.scope_spans:
                self.spans += [(service, span) for span in of_scope.spans]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def running_collector() -> Iterator[Collector]:
    collector = Collector()
    try:
        yield collector
    finally:
        collector.close()
