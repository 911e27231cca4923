"""Answers: JSON where it is asked for, else XML, both of the same content. Every one of the API is made here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as ET

import orjson
from django.http import HttpRequest, HttpResponse

from actions.api.negotiation import JSON, XML, wants_json

ROOT = "ImpactRadiusResponse"  # What callers of this kind of API look for.
MANAGEMENT = "/api/v1/"  # Below it everything is JSON.

# XML cannot hold them, not even escaped.
_NO_XML = dict.fromkeys(
    [*(set(range(32)) - {9, 10, 13}), 0xFFFE, 0xFFFF, *range(0xD800, 0xE000)], "\N{REPLACEMENT CHARACTER}"
)


def answer(request: HttpRequest, content: Mapping[str, Any], status: int = 200) -> HttpResponse:
    """The content in the form that the request asks for; of the management API always as JSON."""
    if request.path_info.startswith(MANAGEMENT) or wants_json(request):
        return HttpResponse(orjson.dumps(content), status=status, content_type=JSON)
    return HttpResponse(to_xml(content), status=status, content_type=f"{XML}; charset=utf-8")


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
    """An element for each name; one called `…s` or `errors` with a list holds an element for each entry."""
    root = ET.Element(ROOT)
    _fill(root, content)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def _fill(element: ET.Element, content: Mapping[str, Any]) -> None:
    for name, value in content.items():
        if name.startswith("@"):
            element.set(name[1:], str(value))
            continue
        child = ET.SubElement(element, name)
        if isinstance(value, Mapping):
            _fill(child, value)
        elif isinstance(value, list):
            for each in value:
                entry = ET.SubElement(child, name.removesuffix("s").capitalize())
                if isinstance(each, Mapping):
                    _fill(entry, each)
                else:
                    entry.text = _text(each)
        else:
            child.text = _text(value)


def _text(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value).translate(_NO_XML)
