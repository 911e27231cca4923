"""The fixed part of a URL template: scheme, host and port, which no value may touch."""

import re
from typing import Final

import idna

from postbacks.template.errors import TemplateError
from postbacks.template.nodes import Join, Literal, Node

_SCHEME = re.compile(r"https?://", re.IGNORECASE)
_AUTHORITY_END: Final = re.compile(r"[/?#]")
_AUTHORITY = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:@\[\]\\%<>\"'`{}|^,;!$&()*+=]+)(?::(?P<port>[0-9]{1,5}))?")
_FORBIDDEN: Final = re.compile(r"[{}#\x00-\x1f\x7f]")


def fixed_part(source: str, nodes: tuple[Node, ...], errors: list[TemplateError]) -> str:
    """Return the URL's scheme and authority as they go out, `https://host:port`; mistakes are added to `errors`.

    A host in other letters than ASCII's is written in its IDNA form.
    """
    scheme = _SCHEME.match(source)
    if scheme is None:
        errors.append(TemplateError(source, 0, "A URL begins with http:// or https://"))
        return ""
    first = nodes[0].span.text if nodes and isinstance(nodes[0], Literal) else ""
    end = _AUTHORITY_END.search(first, scheme.end())
    if end is None and len(nodes) > 1 and not _begins_path_or_query(nodes):
        hint = "Scheme, host and port hold no placeholder; the path or query begins with / or ?."
        errors.append(TemplateError(source, len(first), "A placeholder in the host", hint))
        return ""
    authority = first[scheme.end() : end.start() if end else len(first)]
    host = _host(authority)
    if host is None:
        hint = "Give a user and password in a header instead." if "@" in authority else ""
        errors.append(TemplateError(source, scheme.end(), "Not a host name, or host:port,", hint))
        return ""
    return scheme[0].lower() + host


def forbidden_characters(source: str, node: Literal, errors: list[TemplateError]) -> None:
    """Report what literal text in a URL cannot hold: stray braces, a fragment, control characters."""
    for found in _FORBIDDEN.finditer(node.span.text):
        character, offset = found[0], node.span.offsets[found.start()]
        if character in "{}":
            if node.exact:
                continue
            hint = f"A parameter is written {{Name}}; a brace itself is %{ord(character):02X} in a URL."
            errors.append(TemplateError(source, offset, f"A {character} that belongs to no placeholder", hint))
        elif character == "#":
            hint = "What follows a # is never sent; the character itself is %23 in a URL."
            errors.append(TemplateError(source, offset, "A fragment", hint))
        else:
            errors.append(TemplateError(source, offset, f"The control character U+{ord(character):04X}"))


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
