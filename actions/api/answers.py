"""Answers: JSON where it is asked for, else XML, both of the same content. Every one of the API is made here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import orjson
from django.http import HttpRequest, HttpResponse

from actions.api.addresses import MANAGEMENT
from actions.api.negotiation import JSON, XML, wants_json

ROOT = "ImpactRadiusResponse"  # What callers of this kind of API look for.

# XML cannot hold them, not even escaped.
_NO_XML = dict.fromkeys(
    [*(set(range(32)) - {9, 10, 13}), 0xFFFE, 0xFFFF, *range(0xD800, 0xE000)], "\N{REPLACEMENT CHARACTER}"
)

_DECLARATION = "<?xml version='1.0' encoding='utf-8'?>\n"
_BREAKS = {"\r": "&#13;"}  # A reader of XML takes one for a line's end, and replaces it.


def answer(request: HttpRequest, content: Mapping[str, Any], status: int = 200, *, element: str = "") -> HttpResponse:
    """The content in the form that the request asks for, of the management API always as JSON.

    A list in it may be an iterator. In XML, what is one thing by itself stands in an `element` of its own.
    """
    as_json = request.path_info.startswith(MANAGEMENT) or wants_json(request)
    body, content_type = written({element: content} if element and not as_json else content, as_json=as_json)
    return HttpResponse(body, status=status, content_type=content_type)


def written(content: Mapping[str, Any], *, as_json: bool) -> tuple[bytes, str]:
    """The content as it is sent, and its content type."""
    if as_json:
        return orjson.dumps(content, default=_listed), JSON
    return to_xml(content), f"{XML}; charset=utf-8"


def error(request: HttpRequest, status: int, message: str, field: str = "", code: str = "") -> HttpResponse:
    """An error in the shape that all errors of the API have."""
    return answer(request, error_content(message, field, code), status)


def error_content(message: str, field: str = "", code: str = "") -> dict[str, Any]:
    """The content of an error about one field, or none."""
    one = {"field": field, "level": "ERROR", "message": message}
    return errors_content([one | {"code": code} if code else one])


def errors_content(errors: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """The content of an error, with its entries under both names that the documented API has for them."""
    return {
        "Status": "ERROR",
        "Message": errors[0]["message"],
        "Errors": [{"Field": each["field"], "Message": each["message"]} for each in errors],
        "errors": list(errors),
    }


def to_xml(content: Mapping[str, Any]) -> bytes:
    """An element for each name, and in that of a list one for each entry: `<Actions><Action>`.

    Names with `@` are attributes of the list beside them.
    """
    return "".join([_DECLARATION, f"<{ROOT}>", *_elements(content), f"</{ROOT}>"]).encode()


def _elements(content: Mapping[str, Any]) -> Iterator[str]:
    attributes = "".join(f" {name[1:]}={quoteattr(_text(text))}" for name, text in content.items() if name[0] == "@")
    for name, value in content.items():
        if isinstance(value, (list, Iterator)):
            several = name if name.endswith("s") else f"{name}s"
            one = name.removesuffix("s")
            yield f"<{several}{attributes}>"
            for entry in value:
                yield "".join(_element(f"{one[:1].upper()}{one[1:]}", entry))
            yield f"</{several}>"
        elif name[0] != "@":
            yield from _element(name, value)


def _element(name: str, value: object) -> Iterator[str]:
    yield f"<{name}>"
    if isinstance(value, Mapping):
        yield from _elements(value)
    else:
        yield escape(_text(value), _BREAKS)
    yield f"</{name}>"


def _text(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value).translate(_NO_XML)


def _listed(entries: object) -> orjson.Fragment:
    """The entries of a list that are made one after the other, so that a page is never in memory as a whole."""
    if not isinstance(entries, Iterator):
        raise TypeError(f"{type(entries)} has no form in JSON.")
    return orjson.Fragment(b"[" + b",".join([orjson.dumps(entry) for entry in entries]) + b"]")
