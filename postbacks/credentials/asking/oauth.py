"""What an operator sets up for OAuth 2.0 client credentials (RFC 6749, section 4.4). Pure, but for one setting."""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from django.utils.crypto import salted_hmac

from postbacks.credentials.asking.fields import IN_BODY, IN_HEADER
from value_types.secret_text import SecretText

_OWN: Final = frozenset({"grant_type", "client_id", "client_secret", "scope", "audience"})
_VISIBLE = re.compile(r"[\x20-\x7e]*").fullmatch  # RFC 6749, appendix A: VSCHAR.
MOST_CHARACTERS: Final = 4096


class OAuthClient(NamedTuple):
    """How to ask a token server. `in_body` says where it wants the client's id and secret; `parameters` are sent
    besides. `authorities` is as in `Tls`."""

    token_url: str
    client_id: str
    client_secret: SecretText
    in_body: bool = False
    scope: str = ""
    audience: str = ""
    parameters: tuple[tuple[str, str], ...] = ()
    authorities: str = ""

    @property
    def fingerprint(self) -> str:
        """Another one after each change. A token belongs to the client that it was fetched for."""
        digest: str = salted_hmac("postbacks.credentials.asking.oauth", repr(tuple(map(_plain, self)))).hexdigest()
        return digest


def read_parameters(text: str) -> tuple[tuple[str, str], ...]:
    """The pairs of `name=value` lines. Raises ValueError, which names the line."""
    pairs: list[tuple[str, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        name, equals, value = (part.strip() for part in line.partition("="))
        if not equals or not name:
            raise ValueError(f"Line {number} is not “name=value”.")
        if name in _OWN:
            raise ValueError(f"Line {number}: {name} has a field of its own.")
        if name in dict(pairs):
            raise ValueError(f"Line {number}: {name} is given twice.")
        pairs.append((name, value))
    return tuple(pairs)


def token_url_problem(url: str) -> str:
    """Why no token server can be asked at this URL; empty if one can. What its address may be is the guard's."""
    if not url:
        return "OAuth 2.0 needs the URL of the token server."
    try:
        parts = urlsplit(url)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        whole = False
    if not whole or re.search(r"[\s{}]", url):
        return "This is not the http or https URL of a token server. It takes no placeholders."
    if "@" in parts.netloc:
        return "The URL holds a user. Put it into the client id and the client secret."
    return "The URL ends with a #fragment, which is not sent. Take it out." if "#" in url else ""


def client_problems(client_id: str, client_auth: str, scope: str, audience: str, parameters: str) -> dict[str, str]:
    """What is wrong, by field."""
    found: dict[str, str] = {}
    if not client_id:
        found["oauth_client_id"] = "OAuth 2.0 needs the client id."
    if client_auth not in (IN_HEADER, IN_BODY):
        found["oauth_client_auth"] = f"“{client_auth}” is not allowed: choose {IN_HEADER} or {IN_BODY}."
    for name, text in (("oauth_client_id", client_id), ("oauth_scope", scope), ("oauth_audience", audience)):
        if not _VISIBLE(text):
            found[name] = "Only visible ASCII characters and blanks can be sent."
    try:
        read_parameters(parameters)
    except ValueError as error:
        found["oauth_parameters"] = str(error)
    for name, text in (("oauth_parameters", parameters), ("oauth_scope", scope), ("oauth_audience", audience)):
        if len(text) > MOST_CHARACTERS:
            found[name] = f"This is longer than {MOST_CHARACTERS:,} characters."
    return found


def secret_problem(secret: str) -> str:
    """Why this cannot be a client secret, without a word of it; empty if it can."""
    if not _VISIBLE(secret):
        return "The client secret holds a character that is not visible ASCII, which OAuth 2.0 does not allow."
    return f"The client secret is longer than {MOST_CHARACTERS:,} characters." if len(secret) > MOST_CHARACTERS else ""


def _plain(value: object) -> object:
    return "".join(value) if isinstance(value, SecretText) else value
