"""Reports on the short way: conversions, changes and reversals, answered without a request of Django's.

What is usual is answered here, byte for byte as Django would; for everything else, and for whatever is unusual about a
request, Django is asked.
"""

from __future__ import annotations

import logging
import re
import time
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final

import django.db
from django.conf import settings
from django.http.request import split_domain_port, validate_host

from actions.api.addresses import ACCOUNTS, without_suffix
from actions.api.answers import error_content, written
from actions.api.authority import TooManyRequestsError
from actions.api.errors import FAULT, RETRY_AFTER_SECONDS, not_recorded
from actions.api.fields import fields_of
from actions.api.negotiation import prefers_json
from actions.api.rate import Allowance, book
from actions.api.rights import Scope, ScopeMissingError, require
from actions.api.tokens import find_token
from actions.api.told import told
from actions.intake.taken import Taken, take
from actions.models import ApiToken, Submission
from actions.reports.rejected import Rejected
from actions.reports.storable import clean
from front.allowances import Allowances
from front.handler import Headers
from front.intake import Intake, Outcome
from front.known_tokens import KnownTokens
from front.standing_headers import StandingHeaders
from front.threads import BusyError, Lane
from front.written import Written
from operations.logs.request_ids import id_of, logged_as
from tracing import traces

logger = logging.getLogger(__name__)
# Where Django logs what it refuses.
_request_log = logging.getLogger("django.request")

Answer = tuple[int, Headers, bytes]

KINDS: Final = {
    ("POST", "Conversions"): Submission.Kind.CONVERSION,
    ("PUT", "Actions"): Submission.Kind.CHANGE,
    ("DELETE", "Actions"): Submission.Kind.REVERSAL,
}
# As Django's, for traces.
_ROUTES: Final = {kind: f"{ACCOUNTS.strip('/')}/<account_sid>/{name}" for (_, name), kind in KINDS.items()}
_PATH: Final = re.compile(rf"{ACCOUNTS}([A-Za-z0-9]+)/(Conversions|Actions)")
_PLAIN: Final = re.compile(rb"[\x21-\x24\x26-\x7e]*")  # Without an escape, which Django reads in its own way.
# What the answer depends on. A request that has one of them twice is unusual, and so is one with a header of the rest.
_READ: Final = frozenset(
    {b"host", b"authorization", b"accept", b"content-type", b"content-length", b"x-request-id", b"x-forwarded-proto"}
)
_UNUSUAL: Final = frozenset({b"cookie", b"content-encoding", b"transfer-encoding", b"expect"})
_ADDRESSES_REMEMBERED: Final = 256


@dataclass(frozen=True, slots=True)
class Request:
    """A report that is usual so far."""

    account_sid: str
    kind: Submission.Kind
    path: str
    as_json: bool
    headers: dict[bytes, bytes]
    query: bytes
    credentials: str
    shown: tuple[str, str] | None  # The account's SID and a token, if the credentials are those of this account.


class Lean:
    """The short way of one process. Made on its event loop."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._tokens = KnownTokens(self._find)
        self._allowances = Allowances(self._book)
        self._standing = StandingHeaders()
        self._written = Written(lane)
        self.intake = Intake()

    def begin(self, request: Request, body: bytes, hear: Callable[[Answer], None]) -> bool:
        """Answer by `hear`, now or once the report is kept, if nothing else has to be waited for.

        If it returns False, nothing was done, and nothing will be: `answer` waits for what there is.
        """
        if not self.intake.has_room() or self._written.is_on or traces.are_on():
            return False
        token = self._tokens.known(request.shown) if request.shown else None
        allowance = self._allowances.at_once(token.pk, settings.API_REQUESTS_PER_SECOND, time.time()) if token else None
        if token is None or allowance is None:
            return False
        read = self._read(request, token, allowance, body)
        if not isinstance(read, Taken):
            hear(self._answer(request, *read, allowance))
            return True

        def kept(outcome: Outcome) -> None:
            hear(self._answer(request, *_content(request, read, outcome), allowance))

        self.intake.begin(read, len(body) + len(request.query), kept)
        return True

    async def answer(self, request: Request, body: bytes) -> Answer | None:
        """The answer to a request whose whole body this is; None if Django is to be asked.

        Raises:
            BusyError: there is no room for one more report.
        """
        token = await self._token(request)
        if token is None:
            return None
        allowance = await self._allowances.count(token.pk, settings.API_REQUESTS_PER_SECOND, time.time())
        traces.routed(_ROUTES[request.kind])
        read = self._read(request, token, allowance, body)
        if not isinstance(read, Taken):
            return self._answer(request, *read, allowance)
        outcome: Outcome
        try:
            outcome = await self.intake.take(read, len(body) + len(request.query))
            await self._written.note(request.credentials)
        except BusyError:
            raise
        except Exception as error:  # noqa: BLE001 -- the caller hears of it
            outcome = error
        return self._answer(request, *_content(request, read, outcome), allowance)

    def _read(
        self, request: Request, token: ApiToken, allowance: Allowance, body: bytes
    ) -> Taken | tuple[int, dict[str, Any]]:
        """The report; or status and content of the answer, if there is none."""
        if allowance.is_exceeded:
            return 429, error_content(str(TooManyRequestsError(allowance)))
        try:
            require(token, Scope.REPORT)
            fields = fields_of(body, request.headers.get(b"content-type", b"").decode("latin-1"), request.query)
            return take(token, request.kind, fields, datetime.now(UTC))
        except ScopeMissingError as missing:
            return 403, error_content(str(missing))
        except Rejected as refusal:
            return 400, error_content(clean(str(refusal)), clean(refusal.field), refusal.reason_code)
        except (ValueError, TypeError, LookupError, ArithmeticError, RecursionError) as error:
            return _failed(request, error)

    def _answer(self, request: Request, status: int, content: dict[str, Any], allowance: Allowance) -> Answer:
        body, content_type = written(content, as_json=request.as_json)
        given = request.headers.get(b"x-request-id", b"").decode("latin-1")
        request_id = id_of(given)
        if status >= 400:
            with logged_as(request_id):
                phrase = HTTPStatus(status).phrase
                _request_log.warning("%s: %s", phrase, request.path, extra={"status_code": status})
        own = {
            b"content-type": content_type.encode(),
            b"content-length": str(len(body)).encode(),
            b"x-request-id": request_id.encode(),
            **{name.lower().encode(): value.encode() for name, value in allowance.headers().items()},
        }
        headers = self._standing.of(request.headers.get(b"x-forwarded-proto", b""), request.headers[b"host"], own)
        if status == 503:
            headers.insert(1, (b"retry-after", RETRY_AFTER_SECONDS.encode()))
        return status, headers, body

    async def _token(self, request: Request) -> ApiToken | None:
        try:
            return await self._tokens.of(*request.shown) if request.shown else None
        except django.db.Error:
            return None  # Django says what is to be said of it.

    async def _find(self, account_sid: str, text: str) -> ApiToken | None:
        async with self._lane.thread():
            return await self._lane.run(lambda: find_token(account_sid, text))

    async def _book(self, token_id: int, number: int) -> int:
        async with self._lane.thread():
            return await self._lane.run(lambda: book(token_id, number))


def usual(scope: dict[str, Any]) -> Request | None:
    """The report that this request is, if its head is as usual."""
    address = _address(scope["method"], scope["path"])
    query: bytes = scope["query_string"]
    if address is None or b"%00" in query or not _PLAIN.fullmatch(scope.get("raw_path", b"")):
        return None
    headers: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name in _READ:
            if name in headers:
                return None
            headers[name] = value
        elif name in _UNUSUAL:
            return None
    if not _is_welcome(headers.get(b"host", b""), headers.get(b"x-forwarded-proto", b"")):
        return None
    scheme, _, credentials = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    if scheme.lower() != "basic" or not headers.get(b"content-length", b"0").isdigit():
        return None
    sid, kind, suffix = address
    accept = headers.get(b"accept", b"").decode("latin-1")
    as_json = suffix == ".json" if suffix else prefers_json(accept)
    return Request(sid, kind, scope["path"], as_json, headers, query, credentials, _shown(credentials, sid))


def _shown(credentials: str, account_sid: str) -> tuple[str, str] | None:
    try:
        sid, text = b64decode(credentials).decode().split(":", 1)
    except ValueError:
        return None
    return (sid, text) if sid == account_sid else None


def _content(request: Request, taken: Taken, outcome: Outcome) -> tuple[int, dict[str, Any]]:
    """Status and content of the answer to a report that was kept, or could not be."""
    if isinstance(outcome, Exception):
        return _failed(request, outcome)
    return told(request.account_sid, taken.id or 0, outcome)


def _failed(request: Request, error: Exception) -> tuple[int, dict[str, Any]]:
    if isinstance(error, (django.db.OperationalError, django.db.InterfaceError)):
        _request_log.error("%s: the database does not answer: %s", request.path, str(error).strip())
        return 503, error_content(not_recorded(error))
    _request_log.error("%s failed", request.path, exc_info=error)
    return 500, error_content(FAULT)


@lru_cache(_ADDRESSES_REMEMBERED)
def _address(method: str, path: str) -> tuple[str, Submission.Kind, str] | None:
    """The account's SID, the kind of report and the suffix; None if the address takes none."""
    plain, suffix = without_suffix(path)
    match = _PATH.fullmatch(plain)
    kind = KINDS.get((method, match[2])) if match else None
    return (match[1], kind, suffix) if match and kind else None


@lru_cache(_ADDRESSES_REMEMBERED)
def _is_welcome(host: bytes, scheme: bytes) -> bool:
    """Whether Django would neither refuse the host nor send the client to another scheme."""
    allowed = settings.ALLOWED_HOSTS or [".localhost", "127.0.0.1", "[::1]"]
    domain, _ = split_domain_port(host.decode("latin-1"))
    secure = settings.SECURE_PROXY_SSL_HEADER is not None and scheme.decode("latin-1").split(",")[0].strip() == "https"
    return bool(domain) and validate_host(domain, allowed) and (secure or not settings.SECURE_SSL_REDIRECT)
