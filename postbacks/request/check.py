"""Whether a body, as it would be sent, is well-formed."""

import json
from xml.parsers import expat


def ill_formed(body_format: str, body: bytes) -> str:
    """`JSON: …` or `XML: …` with the parser's complaint and its place; empty if all is well or cannot be otherwise."""
    if body_format == "json":
        return _json_complaint(body)
    if body_format == "xml":
        return _xml_complaint(body)
    return ""


def _json_complaint(body: bytes) -> str:
    try:
        json.loads(body, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        return f"JSON: {error.msg} at line {error.lineno}, column {error.colno}."
    except (ValueError, RecursionError) as error:
        return f"JSON: {error}."
    return ""


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _xml_complaint(body: bytes) -> str:
    parser = expat.ParserCreate()
    parser.EntityDeclHandler = _refuse_entities
    try:
        parser.Parse(body, True)
    except expat.ExpatError as error:
        return f"XML: {expat.ErrorString(error.code)} at line {error.lineno}, column {error.offset + 1}."
    except ValueError as error:
        return f"XML: {error}."
    return ""


def _refuse_entities(*_declaration: object) -> None:
    raise ValueError("entity declarations are not expanded here")  # They can multiply into gigabytes.
