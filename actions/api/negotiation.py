"""In which form an answer is wanted: as the address's suffix says, else as `Accept` does. Pure but for the request."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from django.http import HttpRequest

from actions.api.addresses import without_suffix

JSON, XML = "application/json", "application/xml"
_SUFFIXES: Final = {".json": JSON, ".xml": XML}
_NOTED: Final = "api.suffix"
_ANY: Final = ("*/*", "application/*", "text/*")
_NAMED: Final = 3  # How exact a range without an asterisk is.
_HEADERS_REMEMBERED: Final = 256  # A program sends the same one with each request.


def take_suffix(request: HttpRequest) -> None:
    """Let the address mean the same with `.json` or `.xml` and with a slash behind it; the form is noted.

    It happens before the address is looked up, so that every address of the API has it, also one that is new.
    """
    request.path_info, suffix = without_suffix(request.path_info)
    if suffix:
        request.META[_NOTED] = _SUFFIXES[suffix]


def wants_json(request: HttpRequest) -> bool:
    """Whether the answer is JSON; it is XML otherwise."""
    suffix = request.META.get(_NOTED)
    return suffix == JSON if suffix else prefers_json(request.headers.get("Accept", ""))


@lru_cache(_HEADERS_REMEMBERED)
def prefers_json(accept: str) -> bool:
    """Whether an `Accept` header weighs JSON above XML.

    The range that names a form most exactly gives its weight. Of equal weights the one that is named holds, then JSON:
    callers that name it expect it, and those that take anything expect XML.
    """
    json, xml = (0, 0.0), (0, 0.0)  # How exactly it is named, and its weight.
    for entry in accept.lower().split(","):
        kind, *parameters = (part.strip() for part in entry.split(";"))
        weight = _weight(parameters)
        exactness = 1 + (kind != "*/*") + (not kind.endswith("*"))
        if kind.endswith(("/json", "+json")) or kind in _ANY:
            json = max(json, (exactness, weight))
        if kind.endswith(("/xml", "+xml")) or kind in _ANY:
            xml = max(xml, (exactness, weight))
    if json[1] == xml[1]:
        return json[1] > 0 and json[0] == _NAMED
    return json[1] > xml[1]


def _weight(parameters: list[str]) -> float:
    """The `q` of a range, from 0 to 1; one that cannot be read counts as 1."""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 1.0
    return 1.0
