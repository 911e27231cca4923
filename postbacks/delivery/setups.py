"""What workers need to know of each postback, read at every drain and compiled once per change."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from psycopg2 import extensions

from postbacks.credentials.asking.fields import FIELDS
from postbacks.credentials.asking.oauth import OAuthClient
from postbacks.credentials.asking.stored import asking_of
from postbacks.credentials.secrets.cipher import SecretUnreadableError
from postbacks.credentials.secrets.headers import decrypted
from postbacks.credentials.signing.keys import read_keys
from postbacks.delivery.access_tokens import store
from postbacks.delivery.access_tokens.store import Access
from postbacks.delivery.prepared import PreparedStatement
from postbacks.models.secret_headers import unmarked
from postbacks.request.building import CompiledRequest, RequestTemplate, compile_request
from postbacks.verdicts.rules import Rules, compile_rules
from value_types.secret_text import SecretText

logger = logging.getLogger(__name__)

# Changes to the event type's hidden parameters count like changes to the postback: a request is built from the setup at
# the time of sending. A row's xmin and ctid identify its version: which transaction wrote it, and where.
VERSION = "p.xmin::text || p.ctid || t.xmin || t.ctid"
TROUBLED = "l.postback_id IS NOT NULL AND (l.failures > 0 OR l.gone_actions <> '{}')"
_ORIGIN = "FROM postbacks_postback p JOIN partners_actiontracker t ON t.id = p.action_tracker_id"
READ = f"""
SELECT p.id, {VERSION}, p.maximum_requests,
       p.paused_at IS NOT NULL OR p.deleted_at IS NOT NULL,
       {TROUBLED},
       extract(epoch FROM l.probe_at - now())::float8
{_ORIGIN} LEFT JOIN postbacks_lane l ON l.postback_id = p.id
WHERE p.id = ANY ($1)
"""  # noqa: S608 -- a constant
_READ = PreparedStatement("setups", "bigint[]", READ)
READ_SOURCE = f"""
SELECT p.id, {VERSION}, p.method, p.url, p.headers, p.body_format, p.body_pairs::text,
       p.body_raw, p.success_response, p.error_response, t.hidden_parameters,
       {", ".join(f"p.{name}" for name in FIELDS)},
       p.secret_headers::text, p.signing_key, p.previous_signing_key,
       extract(epoch FROM p.previous_signing_key_until)::float8, p.send_trace
{_ORIGIN} WHERE p.id = ANY ($1)
"""  # noqa: S608 -- as above
_READ_SOURCE = PreparedStatement("setup_sources", "bigint[]", READ_SOURCE)
Row = tuple[Any, ...]


class Compiled(NamedTuple):
    """What builds the requests of one postback and judges the answers; `broken` says why these are missing.

    `locked`: they are missing because its secrets cannot be read. The postback itself is fine, so its deliveries wait.
    """

    request: CompiledRequest | None
    rules: Rules | None
    broken: str = ""
    locked: bool = False
    oauth: OAuthClient | None = None


class Setup(NamedTuple):
    """One postback as it is set up at this moment."""

    postback_id: int
    maximum_requests: int | None
    stopped: bool  # Paused, deleted or locked: nothing is claimed.
    troubled: bool  # Failures were recorded since the last good answer.
    probe_seconds: float | None  # While held: the time until the next probe.
    compiled: Compiled
    version: str  # Of the rows that it was read from; without the lane's health.
    access: Access | None = None  # With OAuth 2.0: its token, or why there is none.

    @property
    def waits_for_token(self) -> bool:
        return self.access is not None and self.access.waits


class Setups:
    """Compiled postbacks; each is compiled again when anything it was made from has changed."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[str, Compiled]] = {}  # With the version it was compiled from.
        # With OAuth 2.0, the same with its token, and whose number it is.
        self._authorized: dict[int, tuple[str, int, Compiled]] = {}
        self.clients: dict[int, OAuthClient] = {}
        """Of the lanes that were read last: those with OAuth 2.0."""
        self._open: dict[int, Setup] = {}  # Those that need nothing but a claim, as they were when they were read last.

    def known(self, postback_ids: Iterable[int]) -> dict[int, Setup]:
        """Those of these setups that were neither stopped nor held when they were read last, and need no token. A
        claim must check that they are so still."""
        return {lane: self._open[lane] for lane in postback_ids if lane in self._open}

    def read(self, cursor: extensions.cursor, postback_ids: Sequence[int]) -> dict[int, Setup]:
        """The current setups from the database; postbacks that do not exist are left out."""
        _READ.make_known(cursor)
        cursor.execute(_READ.execute, (list(postback_ids),))
        rows = cursor.fetchall()
        changed = [postback_id for postback_id, version, *_ in rows if not self._is_current(postback_id, version)]
        if changed:
            _READ_SOURCE.make_known(cursor)
            cursor.execute(_READ_SOURCE.execute, (changed,))
            for postback_id, version, *source in cursor.fetchall():
                self._kept[postback_id] = (version, _compile(postback_id, tuple(source)))
        kept = [(row[0], self._kept[row[0]][1].oauth) for row in rows]
        self.clients = {lane: client for lane, client in kept if client is not None}
        accesses = store.read(cursor, self.clients) if self.clients else {}
        found = {row[0]: self._setup(row, accesses) for row in rows}
        for postback_id in postback_ids:
            self._open.pop(postback_id, None)
        self._open |= {lane: one for lane, one in found.items() if _needs_only_a_claim(one)}
        return found

    def _setup(self, row: Row, accesses: Mapping[int, Access]) -> Setup:
        postback_id, version, limit, stopped, troubled, probe_seconds = row
        compiled, access = self._kept[postback_id][1], accesses.get(postback_id)
        if access is not None and access.token is not None and access.bearer is not None:
            compiled = self._with_token(postback_id, version, compiled, access.token, access.bearer.generation)
        return Setup(postback_id, limit, stopped or compiled.locked, troubled, probe_seconds, compiled, version, access)

    def _with_token(
        self, postback_id: int, version: str, compiled: Compiled, token: SecretText, generation: int
    ) -> Compiled:
        kept = self._authorized.get(postback_id)
        if kept is not None and kept[:2] == (version, generation):
            return kept[2]
        request = None if compiled.request is None else compiled.request.authorized(token)
        authorized = compiled._replace(request=request)
        self._authorized[postback_id] = (version, generation, authorized)
        return authorized

    def _is_current(self, postback_id: int, version: str) -> bool:
        kept = self._kept.get(postback_id)
        return kept is not None and kept[0] == version


def _needs_only_a_claim(setup: Setup) -> bool:
    return not setup.stopped and setup.probe_seconds is None and setup.compiled.oauth is None


def _compile(postback_id: int, source: Row) -> Compiled:
    method, url, headers, body_format, pairs, raw, success, error, hidden, *rest = source
    asked, (secret, *keys, send_trace) = rest[: len(FIELDS)], rest[len(FIELDS) :]
    try:
        asking = asking_of(dict(zip(FIELDS, asked, strict=True)))
        template = RequestTemplate(
            method=method,
            url=url,
            headers=headers,
            body_format=body_format,
            pairs=tuple((key, value) for key, value in orjson.loads(pairs)),
            body_raw=raw,
            secret_headers=decrypted(unmarked(orjson.loads(secret))),
            signing_keys=read_keys(*keys),
            asking=asking,
            send_trace=send_trace,
        )
        request = compile_request(template, frozenset(hidden), as_stored=True)
        return Compiled(request, compile_rules(success, error), oauth=asking.oauth)
    except SecretUnreadableError as problem:
        logger.error("Postback %d waits: %s", postback_id, problem)  # noqa: TRY400 -- the text says all
        return Compiled(None, None, str(problem), locked=True)
    except Exception as problem:
        # Whatever it is, it concerns this postback and must not hold up the others.
        if not isinstance(problem, ValueError):
            logger.exception("Postback %d could not be compiled.", postback_id)
        return Compiled(None, None, f"The postback cannot be used: {problem}")
