"""Why a request got no answer, as a value: a code to decide and count by, a sentence for people.

Nobody compares sentences. What a code means for the destination's health stands in
`delivery/circuit_breaker/health.py`, whether there is another attempt in `delivery/judging.py`, and what screens call
it in `metrics/reasons.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Code(StrEnum):
    """How a request failed. The values are stored in roll-ups and are labels of a metric: they stay as they are."""

    # The destination was not reached, or did not answer as a web server does.
    DNS = "dns"
    REFUSED = "refused"
    CONNECT_TIMEOUT = "connect_timeout"
    TLS = "tls"
    TIMEOUT = "timeout"  # Connected, but no first byte, or no complete answer, in time.
    BROKEN = "broken"
    DROPPED = "dropped"  # The request may be made again at once, see `egress/transport.py`.
    BAD_ANSWER = "bad_answer"

    # We did not get as far as the destination.
    ADDRESS = "address"  # The guard.
    PORT = "port"
    PROXY = "proxy"  # The egress proxy is out of reach, or refuses.
    INVALID_URL = "invalid_url"
    OAUTH_TOKEN = "oauth_token"  # noqa: S105 -- a code: its token server gave none
    INTERNAL = "internal"  # A bug of ours.
    OTHER = "other"  # libcurl reports a failure that has no code here.


@dataclass(frozen=True, slots=True)
class Failure:
    """What comes in place of an answer. `text` is one sentence for people; it holds no secret and no whole URL."""

    code: Code
    text: str


# Those that both clients can meet.
UNKNOWN_HOST = Failure(Code.DNS, "The host name could not be resolved.")
NO_CONNECTION = Failure(Code.REFUSED, "The connection was refused or the host could not be reached.")
LATE_CONNECTION = Failure(Code.CONNECT_TIMEOUT, "No connection could be made in time.")
LATE_ANSWER = Failure(Code.TIMEOUT, "The server did not answer in time.")
CUT_ANSWER = Failure(Code.BROKEN, "The connection broke before the whole answer had come.")
