"""The page of metrics, for requests with the token."""

from __future__ import annotations

import logging

import psycopg2
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from operations.metrics.families import Page
from operations.metrics.readings import read

logger = logging.getLogger(__name__)


def numbers(request: HttpRequest) -> HttpResponse:
    """The page, in the format that the request accepts: Prometheus text or OpenMetrics."""
    try:
        readings = read()
    except psycopg2.Error as error:
        logger.error("Metrics could not be read: %s", " ".join(str(error).split()))  # noqa: TRY400 -- the text says all
        return _said(503, "The database does not answer, or lacks a table. See the log of the web.")
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Page(readings))
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(registry), content_type=content_type)


def refusal(request: HttpRequest) -> HttpResponse | None:
    """Why the client gets no numbers; None if it has the token."""
    if not settings.METRICS_TOKEN:
        return _said(
            403, "Set METRICS_TOKEN to a long random text, and configure it in Prometheus as the bearer token."
        )
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "bearer" and constant_time_compare(token.strip(), settings.METRICS_TOKEN):
        return None
    response = _said(401, "Send the token in METRICS_TOKEN: Authorization: Bearer …")
    response.headers["WWW-Authenticate"] = 'Bearer realm="metrics"'
    return response


def _said(status: int, text: str) -> HttpResponse:
    return HttpResponse(f"{text}\n", status=status, content_type="text/plain; charset=utf-8")
