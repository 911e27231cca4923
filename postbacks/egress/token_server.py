"""Asking a token server for an access token: OAuth 2.0 client credentials, by RFC 6749 and 6750.

`oauthlib` knows the protocol; the request goes out by `postbacks.egress.client`, with its guard, its limits and its
deadline. What comes back is a token that can be used, or a failure in one sentence that holds no secret.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from typing import Any, Final, NamedTuple
from urllib.parse import quote_plus

from oauthlib.oauth2 import BackendApplicationClient

from postbacks.credentials.asking.oauth import OAuthClient
from postbacks.credentials.secrets.mask import scrubber
from postbacks.egress.answer import Answer
from postbacks.egress.client import ask
from postbacks.egress.failures import Code, Failure
from value_types.secret_text import SecretText

UNKNOWN_LIFE: Final = 300.0  # RFC 6749 lets a server leave it out. A 401 tells of a shorter one.
LONGEST_LIFE: Final = 24 * 3600.0  # What lasts longer is fetched again all the same.
_ODD_LIFE: Final = 10 * 365 * 24 * 3600.0  # More is a mistake: a date, perhaps, or milliseconds of one.
MOST_CHARACTERS: Final = 8192  # Of a token; servers take some 8 KiB of headers in all.
_SHOWN: Final = 200  # Of what a token server says of an error.
_TOKEN = re.compile(r"[\x21-\x7e]+").fullmatch  # RFC 6750 allows fewer, and no blank.
_DIGITS = re.compile(r"[0-9]{1,12}").fullmatch
_UNREADABLE = re.compile(r"[^\x20-\x7e]+")


class Token(NamedTuple):
    """An access token, and for how many seconds it is good from when it was asked for."""

    value: SecretText
    seconds: float


def fetch(client: OAuthClient) -> Token | Failure:
    """Asks once. Every failure has the code `OAUTH_TOKEN`."""
    body, headers = _request(client)
    answer = ask("POST", client.token_url, headers=headers, data=body, authorities=client.authorities)
    if isinstance(answer, Failure):
        return _failure(f"the token server: {answer.text[:1].lower()}{answer.text[1:]}")
    # A server may say what it was sent.
    hide = scrubber([client.client_secret, *(str(value) for value in headers.values() if type(value) is SecretText)])
    try:
        return _token(answer)
    except _RefusalError as refusal:
        return _failure(hide.scrub(str(refusal)))


class _RefusalError(ValueError):
    """Why an answer gives no token that can be used."""


def _failure(why: str) -> Failure:
    return Failure(Code.OAUTH_TOKEN, f"No access token: {why.rstrip('.')}.")


def _request(client: OAuthClient) -> tuple[bytes, dict[str, str]]:
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    more: dict[str, str] = dict(client.parameters)
    if client.audience:
        more["audience"] = client.audience
    if client.in_body:
        more["client_secret"] = client.client_secret
    else:  # RFC 6749, section 2.3.1: both parts are encoded as in a form first.
        pair = f"{quote_plus(client.client_id)}:{quote_plus(client.client_secret)}"
        headers["Authorization"] = SecretText(f"Basic {b64encode(pair.encode()).decode()}")
    text = BackendApplicationClient(client.client_id).prepare_request_body(
        scope=client.scope or None, include_client_id=client.in_body, **more
    )
    return text.encode(), headers


def _token(answer: Answer) -> Token:
    status = answer.status_code
    if 300 <= status < 400:
        raise _RefusalError(f"the token server answered with a redirect (status {status}), which is not followed")
    given = _object(answer)
    if status != 200 or (given and "error" in given):
        raise _RefusalError(f"the token server answered with status {status}{_said(given)}")
    if given is None:
        raise _RefusalError(
            f"the token server answered with status 200 and something other than a JSON object{_kind(answer)}"
        )
    kind, value = given.get("token_type"), given.get("access_token")
    if not isinstance(value, str) or not value:
        raise _RefusalError("the token server's answer holds no access_token")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        shown = _clean(kind) if isinstance(kind, str) and kind else "none"
        raise _RefusalError(f"the token server gave a token of the type “{shown}”, and only Bearer can be sent")
    if not _TOKEN(value) or len(value) > MOST_CHARACTERS:
        raise _RefusalError("the token server gave a token that no header can carry")
    return Token(SecretText(value), _life(given))


def _life(given: dict[str, Any]) -> float:
    """The seconds of `expires_in`; many servers write the number as a text."""
    life = given.get("expires_in")
    if life is None:
        return UNKNOWN_LIFE
    if isinstance(life, str) and _DIGITS(life.strip()):
        life = int(life)
    if isinstance(life, bool) or not isinstance(life, int | float) or not 0 < life <= _ODD_LIFE:
        shown = _clean(json.dumps(life))
        raise _RefusalError(
            f"the token server says expires_in {shown}, which is no number of seconds from 1 to ten years"
        )
    return min(float(life), LONGEST_LIFE)


def _object(answer: Answer) -> dict[str, Any] | None:
    try:
        given = json.loads(answer.text)
    except (ValueError, RecursionError):
        return None
    return given if isinstance(given, dict) else None


def _said(given: dict[str, Any] | None) -> str:
    """The error of RFC 6749, section 5.2, in the server's words."""
    error, description = ((given or {}).get(name) for name in ("error", "error_description"))
    said = [_clean(each) for each in (error, description) if isinstance(each, str) and each.strip()]
    return f": {said[0]} ({said[1]})" if len(said) > 1 else f": {said[0]}" if said else ""


def _kind(answer: Answer) -> str:
    kind = answer.header("Content-Type")
    return f" ({_clean(kind)})" if kind else ""


def _clean(text: str) -> str:
    cleaned = _UNREADABLE.sub(" ", text).strip().rstrip(".")
    return cleaned if len(cleaned) <= _SHOWN else f"{cleaned[:_SHOWN]}…"
