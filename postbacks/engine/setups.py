"""What workers need of each postback, read at every drain and compiled once per change."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from psycopg2 import extensions

from postbacks.request import CompiledRequest, RequestTemplate, compile_request
from postbacks.rules import Rules, compile_rules

logger = logging.getLogger(__name__)

# Changes of the event type's hidden parameters count as well as those of the postback itself: a request is built from
# the postback as it is set up when it is sent.
READ = """
SELECT p.id, p.maximum_requests, p.paused_at IS NOT NULL OR p.deleted_at IS NOT NULL,
       p.method, p.url, p.headers, p.body_format, p.body_pairs::text, p.body_raw,
       p.success_response, p.error_response, t.hidden_parameters
FROM postbacks_postback p JOIN partners_actiontracker t ON t.id = p.action_tracker_id
WHERE p.id = ANY (%s)
"""


Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Setup:
    """One postback, ready to build requests and to judge answers; `broken` says why it is not."""

    postback_id: int
    maximum_requests: int | None
    stopped: bool  # Paused or deleted: nothing is claimed.
    request: CompiledRequest | None
    rules: Rules | None
    broken: str = ""


class Setups:
    """Compiled setups, by postback; each is compiled again when anything that it was made of has changed."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[Row, Setup]] = {}

    def read(self, cursor: extensions.cursor, postback_ids: Sequence[int]) -> dict[int, Setup]:
        """The setups as they are in the database now; postbacks that are not there are left out."""
        cursor.execute(READ, (list(postback_ids),))
        return {row[0]: self._setup(row) for row in cursor.fetchall()}

    def _setup(self, row: Row) -> Setup:
        kept = self._kept.get(row[0])
        if kept is None or kept[0] != row:
            kept = self._kept[row[0]] = (row, _compile(row))
        return kept[1]


def _compile(row: Row) -> Setup:
    postback_id, limit, stopped, method, url, headers, body_format, pairs, raw, success, error, hidden = row
    try:
        template = RequestTemplate(
            method=method,
            url=url,
            headers=headers,
            body_format=body_format,
            pairs=tuple((key, value) for key, value in orjson.loads(pairs)),
            body_raw=raw,
        )
        request, rules = compile_request(template, frozenset(hidden)), compile_rules(success, error)
    except Exception as problem:
        # Whatever it is, it is this postback's and must not hold up the others.
        if not isinstance(problem, ValueError):
            logger.exception("Postback %d could not be compiled.", postback_id)
        return Setup(postback_id, limit, stopped, None, None, f"The postback cannot be used: {problem}")
    return Setup(postback_id, limit, stopped, request, rules)
