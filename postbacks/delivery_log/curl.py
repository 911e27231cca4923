"""A recorded request as a command for a shell. Pure.

The command works in any POSIX shell. Text stands in single quotes; what a terminal would take for a key, or would not
show, is written as octal digits for `printf`. Masked values become variables, so a command never holds a secret.
"""

from __future__ import annotations

import re
from typing import Final

from value_types.secret_text import MASK

# All control characters but line ends, and those that turn text around or do not show.
_NOT_TO_PASTE: Final = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)
_REPLACED: Final = "\ufffd"  # Stands where recorded bytes were no UTF-8.
_BREAK: Final = " \\\n  "
_OWN: Final = "content-length"  # curl counts itself.
# What curl would add by itself to a request that did not have it.
_ADDED: Final = ("Accept", "User-Agent")


def as_curl(  # noqa: PLR0917 -- a request, from its first line to its last, and how it is secured
    method: str, url: str, headers: str, body: str, certificate: bool = False, authorities: bool = False
) -> str:
    """The command that makes this request; `headers` has one `Name: value` a line, masked where the value is secret.

    A client `certificate`, and `authorities` that are trusted, are read from files, which a comment names.
    """
    pairs = [(name, value.strip(" ")) for name, _, value in (line.partition(":") for line in headers.splitlines())]
    names = {name.lower() for name, _ in pairs}
    secrets: list[str] = []
    parts = ["curl --include --compressed --globoff --path-as-is"]  # Workers accept compressed answers too.
    if method != "GET":
        parts.append(f"--request {quoted(method)}")
    parts.append(f"--url {quoted(url)}")
    parts += [f"--header {_header(name, value, secrets)}" for name, value in pairs if name.lower() != _OWN]
    unwanted = (*_ADDED, "Content-Type") if method != "GET" else _ADDED
    parts += [f"--header '{name}:'" for name in unwanted if name.lower() not in names]
    files: list[str] = []
    if certificate:
        parts.append("--cert client.pem --key client.key")
        files += ("client.pem", "client.key")
    if authorities:
        parts.append("--cacert authorities.pem")
        files.append("authorities.pem")
    before = ""
    if method != "GET" and _NOT_TO_PASTE.search(body):
        before = f"printf '%b' {quoted(_octal(body))} |\n"
        parts.append("--data-binary @-")
    elif method != "GET":
        parts.append(f"--data-raw {quoted(body)}")
    return "".join([*_comments(secrets, files, names, url + body), before, _BREAK.join(parts), "\n"])


def quoted(text: str) -> str:
    """The text as one word of a shell, with line ends as they are."""
    return "'{}'".format(text.replace("'", "'\\''"))


def _header(name: str, value: str, secrets: list[str]) -> str:
    if value == MASK:
        variable = "SECRET_{}".format(re.sub(r"\W", "_", name.upper(), flags=re.ASCII))
        secrets.append(variable)
        return f'{quoted(f"{name}: ")}"${variable}"'
    if _NOT_TO_PASTE.search(value):
        return f"\"$(printf '%b' {quoted(_octal(f'{name}: {value}'))})\""
    return quoted(f"{name}: {value}" if value else f"{name};")  # So curl sends it empty.


def _octal(text: str) -> str:
    """For the `%b` of printf: backslashes doubled, and octal digits for the bytes that are not to be pasted."""

    def escaped(found: re.Match[str]) -> str:
        return "".join(f"\\0{byte:03o}" for byte in found[0].encode())

    return _NOT_TO_PASTE.sub(escaped, text.replace("\\", "\\\\"))


def _comments(secrets: list[str], files: list[str], names: set[str], texts: str) -> list[str]:
    """Without quotes: some shells do not know comments when one types, and would look for the other quote."""
    lines = [f"# Set {variable} first: the value is secret and not shown.\n" for variable in secrets]
    lines += [f"# Write {file} first: it is that of the postback.\n" for file in files]
    if "webhook-signature" in names:
        lines.append("# The receiver may refuse the signature: it is that of the moment of the attempt.\n")
    if _REPLACED in texts:
        lines.append(f"# {_REPLACED} may stand for bytes that are no UTF-8: those were not recorded.\n")
    return lines
