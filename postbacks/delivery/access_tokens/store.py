"""Access tokens in the database: one row for each postback. Redis may be emptied at any time, and a copy of it read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from psycopg2 import extensions

from postbacks.credentials.asking.oauth import OAuthClient
from postbacks.credentials.secrets.cipher import SecretUnreadableError, decrypt, encrypt
from postbacks.egress.failures import Code, Failure
from postbacks.egress.token_server import Token
from value_types.secret_text import SecretText

BUSY_SECONDS: Final = 15.0  # Beyond the longest request: to write what came of it.
YOUNG_SECONDS: Final = 60.0  # See `Bearer.again`.
FIRST_RETRY, LONGEST_RETRY = 5.0, 60.0  # A token server that fails is left alone for so long.
# It is fetched again when so much of its life is left, and no longer sent for the last part, which a request may take.
EARLY_PART, EARLIEST = 0.2, 300.0
LAST_PART, LAST = 0.1, 10.0

READ: Final = """
SELECT postback_id, client, token, generation, rejected, renewed AND NOT proved AND fetched_at > now()
           - make_interval(secs => %s), proved, refresh_at <= now(), ends_at <= now(), retry_at > now(),
       busy_until > now(), failures, failure
FROM postbacks_accesstoken WHERE postback_id = ANY (%s)
"""
# By one worker only: the row that this one changes is not free for the others.
TAKE: Final = """
INSERT INTO postbacks_accesstoken AS held (postback_id, client, busy_until)
VALUES (%(postback)s, %(client)s, now() + make_interval(secs => %(seconds)s))
ON CONFLICT (postback_id) DO UPDATE SET busy_until = excluded.busy_until
WHERE (held.client <> excluded.client OR held.busy_until IS NULL OR held.busy_until <= now())
  AND (held.client <> excluded.client OR ((held.token = '' OR held.rejected OR held.refresh_at <= now())
       AND (held.retry_at IS NULL OR held.retry_at <= now())))
RETURNING client = %(client)s AND rejected, CASE WHEN client = %(client)s THEN failures ELSE 0 END
"""
KEEP: Final = """
UPDATE postbacks_accesstoken SET client = %(client)s, token = %(token)s, generation = generation + 1,
    fetched_at = now(),
    refresh_at = now() + make_interval(secs => %(refresh)s), ends_at = now() + make_interval(secs => %(end)s),
    rejected = false, renewed = %(renewed)s, proved = false,
    busy_until = NULL, failures = 0, failure = '', retry_at = NULL
WHERE postback_id = %(postback)s
"""
FAIL: Final = """
UPDATE postbacks_accesstoken SET
    token = CASE WHEN client = %(client)s THEN token ELSE '' END, client = %(client)s,
    busy_until = NULL, failures = %(failures)s, failure = %(failure)s,
    retry_at = now() + make_interval(secs => %(wait)s)
WHERE postback_id = %(postback)s
"""
REJECT: Final = "UPDATE postbacks_accesstoken SET rejected = true WHERE postback_id = %s AND generation = %s"
PROVE: Final = "UPDATE postbacks_accesstoken SET proved = true WHERE postback_id = %s AND generation = %s"


class Bearer(NamedTuple):
    """Which token a request carries. `again`: a 401 means that it is worth nothing any more, and the delivery goes at
    once with a new one.

    It is false where the token itself has just taken the place of a rejected one, and no receiver has taken it yet:
    then a 401 is the receiver's answer, and is judged like any other.
    """

    generation: int
    again: bool
    proved: bool


class Access(NamedTuple):
    """What a lane has: a `token`, with `bearer`; or a `failure`, why there is none; or neither, while it waits.

    `wanted`: somebody must fetch one, now or ahead of the end of this one. `failing`: the last fetch gave none.
    """

    token: SecretText | None = None
    bearer: Bearer | None = None
    failure: Failure | None = None
    wanted: bool = True
    failing: bool = False

    @property
    def waits(self) -> bool:
        return self.token is None and self.failure is None


class Taken(NamedTuple):
    """The right to fetch. `renewed`: the token before was rejected. `failures` in a row came before."""

    renewed: bool
    failures: int


def read(cursor: extensions.cursor, clients: Mapping[int, OAuthClient]) -> dict[int, Access]:
    """What each of these lanes has, by the client that it has now."""
    cursor.execute(READ, (YOUNG_SECONDS, list(clients)))
    found = {row[0]: _access(row, clients[row[0]]) for row in cursor.fetchall()}
    return {lane: found.get(lane) or Access() for lane in clients}


def _access(row: tuple[Any, ...], client: OAuthClient) -> Access:
    _, of, stored, generation, rejected, unproved, proved, early, over, rests, busy, failures, failure = row
    if of != client.fingerprint:
        return Access()
    failing = failures > 0
    if stored and not rejected and not over:
        try:
            token = decrypt(stored)
        except SecretUnreadableError:
            pass  # It was encrypted with a key that is gone. A new one is fetched.
        else:
            wanted = bool(early) and not busy and not rests
            return Access(token, Bearer(generation, not unproved, proved), None, wanted, failing)
    if rests:
        return Access(None, None, Failure(Code.OAUTH_TOKEN, failure), wanted=False, failing=True)
    return Access(wanted=not busy, failing=failing)


def take(cursor: extensions.cursor, postback: int, client: OAuthClient, longest: float) -> Taken | None:
    """The right to fetch a token, for `longest` seconds and some more; None if there is no need, or another has it."""
    cursor.execute(TAKE, {"postback": postback, "client": client.fingerprint, "seconds": longest + BUSY_SECONDS})
    row = cursor.fetchone()
    return None if row is None else Taken(*row)


def keep(cursor: extensions.cursor, postback: int, client: OAuthClient, token: Token, taken: Taken) -> None:
    """Writes the token that was fetched."""
    life = token.seconds
    values = {
        "postback": postback,
        "client": client.fingerprint,
        "token": encrypt(token.value),
        "refresh": life - min(EARLIEST, life * EARLY_PART),
        "end": life - min(LAST, life * LAST_PART),
        "renewed": taken.renewed,
    }
    cursor.execute(KEEP, values)


def fail(cursor: extensions.cursor, postback: int, client: OAuthClient, failure: Failure, taken: Taken) -> None:
    """Writes why there is none, and lets the token server rest, longer from time to time."""
    failures = taken.failures + 1
    values = {
        "postback": postback,
        "client": client.fingerprint,
        "failure": failure.text,
        "failures": failures,
        "wait": min(LONGEST_RETRY, FIRST_RETRY * 2 ** min(failures - 1, 10)),
    }
    cursor.execute(FAIL, values)


def reject(cursor: extensions.cursor, postback: int, generation: int) -> None:
    """A receiver answered 401 to it."""
    cursor.execute(REJECT, (postback, generation))


def prove(cursor: extensions.cursor, postback: int, generation: int) -> None:
    """A receiver answered something else to it."""
    cursor.execute(PROVE, (postback, generation))
