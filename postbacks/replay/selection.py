"""Which events a replay sends, and where: filters that combine, as ids and as SQL.

Without `to_postback`, a replay sends events again for which a postback has had a delivery. With it, one postback gets
the events that it would have received if it had existed. What still waits to be sent is never included.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from actions.models import ActionEvent
from partners.models import ActionTracker, InAppEvent
from postbacks.delivery.known_ids import sent_as
from postbacks.delivery_states import SQL_HAD, SQL_UNFINISHED
from postbacks.matching import CHANGES


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """An event must pass every filter; the values of one filter are alternatives; an empty filter excludes nothing.

    `partners` and `media_sources` both name owners of postbacks, so these two are alternatives to each other. `since`
    is inclusive, `until` exclusive; both compare when the event was recorded.
    """

    partners: tuple[int, ...] = ()
    media_sources: tuple[int, ...] = ()
    postbacks: tuple[int, ...] = ()
    programs: tuple[int, ...] = ()
    action_trackers: tuple[int, ...] = ()
    actions: tuple[int, ...] = ()
    order_ids: tuple[str, ...] = ()
    event_kinds: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    failed_only: bool = False
    never_delivered: bool = False
    to_postback: int | None = None

    def as_json(self) -> dict[str, Any]:
        """What `from_json` reads; empty filters are left out."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        document: dict[str, Any] = orjson.loads(orjson.dumps({name: value for name, value in fields.items() if value}))
        return document

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Selection:
        """The selection of a replay's row."""
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in document.items()
        }
        for name in ("since", "until"):
            if name in values:
                values[name] = datetime.fromisoformat(values[name])
        return cls(**values)


# The history of a (postback, event): the delivery id that the receiver knows, and the state.
_HISTORY = f"""
min(coalesce(d.known_as, d.id)) AS known_as,
(array_agg({sent_as("d")} ORDER BY coalesce(d.known_as, d.id), d.id))[1] AS sent_as,
coalesce(bool_or(d.state IN {SQL_UNFINISHED}), false) AS waiting,
coalesce(bool_or(d.state = 'delivered'), false) AS delivered,
coalesce(max(d.id) FILTER (WHERE d.state = 'failed'), 0)
    > coalesce(max(d.id) FILTER (WHERE d.state = 'delivered'), 0) AS failed
"""
_HAD = f"""
SELECT d.postback_id, d.action_id, d.event_id, {_HISTORY}
FROM postbacks_delivery d
JOIN postbacks_postback p ON p.id = d.postback_id AND p.deleted_at IS NULL
JOIN actions_actionevent e ON e.id = d.event_id
JOIN actions_action a ON a.id = e.action_id
WHERE {{conditions}}
GROUP BY d.postback_id, d.action_id, d.event_id
"""  # noqa: S608 -- made of constants

# The same rules as `postbacks.matching.fires`.
_WOULD_HAVE = f"""
SELECT p.id AS postback_id, a.id AS action_id, e.id AS event_id, h.*
FROM postbacks_postback p
JOIN partners_actiontracker t ON t.id = p.action_tracker_id
LEFT JOIN partners_inappevent i ON i.id = p.in_app_event_id
JOIN actions_action a ON a.action_tracker_id = p.action_tracker_id
JOIN actions_actionevent e ON e.action_id = a.id
CROSS JOIN LATERAL (
    SELECT {_HISTORY} FROM postbacks_delivery d WHERE d.event_id = e.id AND d.postback_id = p.id
) h
WHERE p.id = %(to_postback)s AND p.deleted_at IS NULL AND e.kind = ANY (%(fire)s)
  AND CASE WHEN p.partner_id IS NOT NULL THEN a.partner_id = p.partner_id AND a.contract_term_id IS NOT NULL
           ELSE p.scope = 'all' OR p.media_source_id = ANY (a.media_source_ids) END
  AND CASE p.event_trigger WHEN 'new' THEN e.kind = 'created' WHEN 'changes' THEN e.kind = ANY (%(changes)s)
           ELSE true END
  AND (t.kind <> %(mobile_app)s OR (p.install AND a.event_code = %(install)s) OR a.event_code = i.code)
  AND {{conditions}}
"""  # noqa: S608 -- made of constants

_CONDITIONS = {
    "postbacks": "p.id = ANY (%(postbacks)s)",
    "programs": "a.program_id = ANY (%(programs)s)",
    "action_trackers": "a.action_tracker_id = ANY (%(action_trackers)s)",
    "actions": "a.id = ANY (%(actions)s)",
    "order_ids": "a.order_id = ANY (%(order_ids)s)",
    "event_kinds": "e.kind = ANY (%(event_kinds)s)",
    "statuses": "a.status = ANY (%(statuses)s)",
    "since": "e.recorded_at >= %(since)s",
    "until": "e.recorded_at < %(until)s",
}


def candidates(selection: Selection) -> tuple[str, dict[str, Any]]:
    """A query for what passes the filters on events and postbacks, and its parameters.

    Its columns: postback_id, action_id, event_id, known_as, waiting, delivered, failed.
    """
    conditions = [text for name, text in _CONDITIONS.items() if getattr(selection, name)]
    if selection.partners or selection.media_sources:
        conditions.append("(p.partner_id = ANY (%(partners)s) OR p.media_source_id = ANY (%(media_sources)s))")
    text = _HAD if selection.to_postback is None else _WOULD_HAVE
    parameters: dict[str, Any] = {name: getattr(selection, name) for name in Selection.__slots__}
    parameters = {name: list(value) if isinstance(value, tuple) else value for name, value in parameters.items()}
    parameters |= {
        "fire": [str(kind) for kind in ActionEvent.NON_STANDARD],
        "changes": [str(kind) for kind in CHANGES],
        "install": InAppEvent.INSTALL,
        "mobile_app": str(ActionTracker.Kind.MOBILE_APP),
    }
    return text.format(conditions=" AND ".join(conditions) or "true"), parameters


def matched(selection: Selection) -> tuple[str, dict[str, Any]]:
    """A query for what is selected: the candidates whose history fits."""
    text, parameters = candidates(selection)
    conditions = ["NOT waiting"]
    if selection.failed_only:
        conditions.append("failed")
    if selection.never_delivered:
        conditions.append("NOT delivered")
    return f"SELECT * FROM ({text}) c WHERE {' AND '.join(conditions)}", parameters  # noqa: S608 -- made of constants


# Later events of the same action that the receiver has, or will have before the replay's turn: they go again after the
# earlier one, so that the receiver ends in the current state.
FOLLOWERS = f"""
SELECT d.postback_id, d.action_id, d.event_id, min(coalesce(d.known_as, d.id)) AS known_as
FROM (SELECT postback_id, action_id, min(event_id) AS first FROM matched GROUP BY postback_id, action_id) m
JOIN actions_actionevent e ON e.action_id = m.action_id AND e.id > m.first
JOIN postbacks_delivery d ON d.event_id = e.id AND d.postback_id = m.postback_id
WHERE NOT EXISTS (SELECT 1 FROM matched o WHERE o.postback_id = d.postback_id AND o.event_id = d.event_id)
GROUP BY d.postback_id, d.action_id, d.event_id
HAVING bool_or(d.state IN {SQL_HAD})
"""  # noqa: S608 -- made of constants
