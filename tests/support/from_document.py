"""What makes requests from the API's document. Importing it takes seconds, so tests do that when they run."""

from __future__ import annotations

import json
from typing import Any

import schemathesis
from django.core.wsgi import get_wsgi_application
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CONFORMANCE = [status_code_conformance, content_type_conformance, response_schema_conformance]
CHECKS = [not_a_server_error, *CONFORMANCE]


@schemathesis.serializer("application/x-ndjson")
def json_lines(_context: Any, value: Any) -> bytes:
    return (json.dumps(value) + "\n").encode(errors="surrogatepass")


def operations(path_regex: str) -> list[Any]:
    """Each operation of the document that the web serves, of those paths."""
    document = schemathesis.openapi.from_wsgi("/api/openapi.json", get_wsgi_application())
    found = document.include(path_regex=path_regex).get_all_operations()
    return [operation.ok() for operation in found if isinstance(operation, Ok)]
