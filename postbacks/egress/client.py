"""HTTP for everything that is not a postback, such as a notice to a chat or exchange rates: `requests`, guarded.

Off the hot path: a session for each request, made and closed with it. The same addresses, ports and egress proxy as for
postbacks, the same `Answer` or `Failure`; nothing is taken from the environment, and redirects are not followed.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

import certifi
from django.conf import settings
from requests import Response, Session, exceptions
from urllib3.util.ssl_ import create_urllib3_context

from postbacks.egress import deadline
from postbacks.egress.answer import Answer
from postbacks.egress.destination import destination_refusal
from postbacks.egress.failures import CUT_ANSWER, LATE_ANSWER, Code, Failure
from postbacks.egress.guarded_adapter import GuardedAdapter, UnconnectedError
from postbacks.request.building import USER_AGENT

MOST_BYTES = 1024 * 1024  # A hundred times a day's exchange rates of all currencies.
_CHUNK_BYTES = 16 * 1024

# The narrow ones first: some derive from others. A text of requests may hold the whole URL, so none is passed on.
_FAILURES: tuple[tuple[type[Exception], Failure], ...] = (
    (exceptions.ProxyError, Failure(Code.PROXY, "The egress proxy (POSTBACKS_EGRESS_PROXY) is away, or refuses.")),
    (
        exceptions.SSLError,
        Failure(Code.TLS, "No TLS: the handshake failed, or the certificate is not valid for this host."),
    ),
    (exceptions.ReadTimeout, LATE_ANSWER),
    (exceptions.ContentDecodingError, Failure(Code.BAD_ANSWER, "The answer's encoding could not be read.")),
    (exceptions.ConnectionError, CUT_ANSWER),
    (exceptions.ChunkedEncodingError, CUT_ANSWER),
    (ValueError, Failure(Code.INVALID_URL, "The request cannot be sent: its URL or a header is malformed.")),
)


def ask(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    json: Any = None,
    data: bytes | None = None,
    authorities: str = "",
) -> Answer | Failure:
    """Makes one request, of `json` or `data` if any. The answer is decoded and whole, whatever its status.

    `authorities` are certificates in PEM that are trusted besides the public ones.
    """
    if (refused := destination_refusal(url)) is not None:
        return refused
    with deadline.within(settings.POSTBACKS_TOTAL_TIMEOUT) as until:
        answer = _asked(method, url, {"headers": headers, "json": json, "data": data}, authorities)
        # What was cut off shows in many ways; headers without an end even pass for whole.
        return answer if until.left else LATE_ANSWER


def _asked(method: str, url: str, content: dict[str, Any], authorities: str) -> Answer | Failure:
    try:
        with _session(authorities) as session:
            response = session.request(
                method,
                url,
                **content,
                timeout=(settings.POSTBACKS_CONNECT_TIMEOUT, settings.POSTBACKS_RESPONSE_TIMEOUT),
                allow_redirects=False,
                stream=True,
            )
            return _read(response)
    except UnconnectedError as error:
        return error.failure
    except (exceptions.RequestException, UnicodeError) as error:
        failure = next((failure for kind, failure in _FAILURES if isinstance(error, kind)), None)
        return failure or Failure(Code.OTHER, f"The request failed: {type(error).__name__}.")


def _session(authorities: str) -> Session:
    session = Session()
    session.trust_env = False
    session.verify = certifi.where()
    session.headers["User-Agent"] = USER_AGENT
    if settings.POSTBACKS_EGRESS_PROXY:
        session.proxies = dict.fromkeys(("http", "https"), str(settings.POSTBACKS_EGRESS_PROXY))
    for scheme in ("http://", "https://"):
        session.mount(scheme, GuardedAdapter(_trusting(authorities) if authorities else None))
    return session


def _trusting(authorities: str) -> ssl.SSLContext:
    """The public ones are added from `session.verify`. Certificates are checked as libcurl checks those of postbacks,
    with any version of Python: one that is given may be an intermediate, and what RFC 5280 asks for beyond the
    signatures, such as an identifier of the key, may be missing."""
    context = create_urllib3_context()
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.load_verify_locations(cadata=authorities)
    return context


def _read(response: Response) -> Answer | Failure:
    body = bytearray()
    for chunk in response.iter_content(_CHUNK_BYTES):
        body += chunk
        if len(body) > MOST_BYTES:
            return Failure(Code.BAD_ANSWER, f"The answer is longer than {MOST_BYTES:,} bytes.")
    headers = "\n".join(f"{name}: {value}" for name, value in response.headers.items())
    return Answer(response.status_code, bytes(body), headers)
