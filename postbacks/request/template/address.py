"""The fixed part of a URL template: scheme, host and port, which no value may touch."""

import re
from typing import Final

import idna

from postbacks.request.template.errors import Mistakes
from postbacks.request.template.nodes import Join, Literal, Node
from postbacks.request.template.stray import meant_by
from postbacks.request.template.terminal import quoted

_SCHEME = re.compile(r"https?://", re.IGNORECASE)
_AUTHORITY_END: Final = re.compile(r"[/?#]")
_AUTHORITY = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:@\[\]\\%<>\"'`{}|^,;!$&()*+=]+)(?::(?P<port>[0-9]{1,5}))?")
_FORBIDDEN: Final = re.compile(r"[{}#\x00-\x1f\x7f]")


def fixed_part(nodes: tuple[Node, ...], mistakes: Mistakes) -> str:
    """Return the URL's scheme and authority as they go out, `https://host:port`; mistakes are noted.

    A host in other letters than ASCII's is written in its IDNA form.
    """
    source = mistakes.source
    scheme = _SCHEME.match(source)
    if scheme is None:
        mistakes.add(0, "A URL begins with http:// or https://", _scheme_hint(source))
        return ""
    first = nodes[0].span.text if nodes and isinstance(nodes[0], Literal) else ""
    end = _AUTHORITY_END.search(first, scheme.end())
    if end is None and len(nodes) > 1 and not _begins_path_or_query(nodes):
        hint = "Scheme, host and port hold no placeholder; the path or query begins with / or ?."
        mistakes.add(len(first), "A placeholder in the host", hint)
        return ""
    authority = first[scheme.end() : end.start() if end else len(first)]
    host = _host(authority)
    if host is None:
        mistakes.add(scheme.end(), *_bad_authority(authority))
        return ""
    return scheme[0].lower() + host


def _scheme_hint(source: str) -> str:
    if source.startswith("{"):
        return "Scheme, host and port hold no placeholder."
    bare = re.match(r"(?:/*|https?:?/*)(?P<host>[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?::[0-9]+)?)(?=[/?]|\Z)", source)
    return f"Did you mean https://{bare['host']}?" if bare else ""


def _bad_authority(authority: str) -> tuple[str, str]:
    if not authority:
        return "The host is missing", ""
    port = authority.rpartition(":")[2] if authority.count(":") == 1 else ""
    if "@" in authority:
        hint = "Give a user and password in a header instead."
    elif port.isdigit():
        hint = "A port is a number from 1 to 65535."
    else:
        hint = "It is written as in https://partner.example or https://partner.example:8443."
    return f"{quoted(authority)} is not a host name, or host:port,", hint


def forbidden_characters(node: Literal, mistakes: Mistakes) -> None:
    """Note what literal text in a URL cannot hold: stray braces, a fragment, control characters."""
    text = node.span.text
    closed_by = -1  # The brace that belongs to one already noted.
    for found in _FORBIDDEN.finditer(text):
        character, offset = found[0], node.span.offsets[found.start()]
        if character in "{}":
            if node.exact or found.start() == closed_by:
                continue
            doubled = "{{" in mistakes.source[offset : offset + 2] or "}}" in mistakes.source[offset - 1 : offset + 1]
            hint = "One pair of braces is enough." if doubled else _brace_hint(text, found.start())
            mistakes.add(offset, f"A {character} that belongs to no placeholder", hint)
            if character == "{":
                closed_by = text.find("}", found.start())
        elif character == "#":
            hint = "What follows a # is never sent; the character itself is %23 in a URL."
            mistakes.add(offset, "A fragment", hint)
        else:
            mistakes.add(offset, f"The control character U+{ord(character):04X}")


def _brace_hint(text: str, start: int) -> str:
    general = f"A parameter is written {{Name}}; a brace itself is %{ord(text[start]):02X} in a URL."
    return meant_by(text, start) or general


def _begins_path_or_query(nodes: tuple[Node, ...]) -> bool:
    """Whether a join right after the host ends the URL and begins with / or ?, so that it cannot touch the host."""
    join = nodes[1]
    return len(nodes) == 2 and isinstance(join, Join) and join.prefix.span.text[:1] in ("/", "?")


def _host(authority: str) -> str | None:
    """The authority with its host in ASCII, or None if it is none."""
    match = _AUTHORITY.fullmatch(authority)
    if match is None or (match["port"] and not 0 < int(match["port"]) < 65536):
        return None
    host = match["host"]
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True).decode()
        except idna.IDNAError:
            return None
    elif not host.startswith("[") and (len(host) > 253 or ".." in host or host.startswith(".")):
        return None
    return host.lower() + (f":{match['port']}" if match["port"] else "")
