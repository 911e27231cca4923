"""Postbacks as they were set up at an earlier moment, as far as they decide what fires: read back from the history."""

from __future__ import annotations

import copy
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from auditlog.models import LogEntry

from partners.models import InAppEvent
from postbacks.conditions.lines import write_lines
from postbacks.models import Postback
from postbacks.why.changes import changes_of

_KEY = re.compile(r"(\d+)\)?\Z")  # Of an event type, which the history keeps by its name and key.


def _event_type(postback: Postback, text: str) -> None:
    key = _KEY.search(text)
    if key is not None:
        postback.action_tracker_id = int(key[1])


def _in_app_event(postback: Postback, text: str) -> None:
    """The history keeps it by its code. A stand-in will do: only its code is compared."""
    postback.in_app_event = (
        None if text == "None" else InAppEvent(action_tracker_id=postback.action_tracker_id, code=text)
    )


def _deleted_at(postback: Postback, text: str) -> None:
    postback.deleted_at = None if text == "None" else datetime.fromisoformat(text).replace(tzinfo=UTC)


def _conditions(text: object) -> list[Any]:
    """The history keeps them as JSON; nothing stands for those of a postback that had none yet."""
    found: list[Any] = json.loads(str(text)) if str(text) not in ("None", "") else []
    return found


_PUT_BACK: Final[Mapping[str, Callable[[Postback, str], None]]] = {
    "action_tracker": _event_type,
    "event_trigger": lambda postback, text: setattr(postback, "event_trigger", text),
    "scope": lambda postback, text: setattr(postback, "scope", text),
    "install": lambda postback, text: setattr(postback, "install", text == "True"),
    "in_app_event": _in_app_event,
    "deleted_at": _deleted_at,
    "conditions": lambda postback, text: setattr(postback, "conditions", _conditions(text)),
    "conditions_match": lambda postback, text: setattr(postback, "conditions_match", text),
}
"""By each field that a rule of `postbacks.matching` looks at: puts a value of the history back."""


class Earlier:
    """The histories of these postbacks since a moment, in one query."""

    def __init__(self, postbacks: Iterable[Postback], since: datetime) -> None:
        self._entries: dict[int, list[LogEntry]] = defaultdict(list)
        rows = changes_of(Postback, [postback.pk for postback in postbacks])
        rows = rows.filter(
            action=LogEntry.Action.UPDATE, timestamp__gt=since, changes__has_any_keys=list(_PUT_BACK)
        ).only("object_id", "timestamp", "changes", "additional_data")
        for entry in rows:
            self._entries[entry.object_id or 0].append(entry)

    def changes_since(self, postback: Postback, moment: datetime) -> list[LogEntry]:
        """What has changed of what decides, the latest first."""
        return [entry for entry in self._entries.get(postback.pk, ()) if entry.timestamp > moment]

    def at(self, postback: Postback, moment: datetime) -> Postback:
        """The postback as it was then; itself if nothing that decides has changed since."""
        entries = self.changes_since(postback, moment)
        if not entries:
            return postback
        then = copy.copy(postback)
        for entry in entries:
            changes: dict[str, Any] = entry.changes or {}
            for name, put_back in _PUT_BACK.items():  # The event type before the in-app event.
                if name in changes:
                    put_back(then, str(changes[name][0]))
        return then


def what_changed(entry: LogEntry) -> str:
    """The fields that decide, before and after, such as `Event Trigger: Changes only → Always`."""
    changes: dict[str, Any] = entry.changes or {}
    return "; ".join(
        f"{_label(name)}: {_shown(name, before)} → {_shown(name, after)}"
        for name, (before, after) in changes.items()
        if name in _PUT_BACK
    )


def _label(name: str) -> str:
    label = str(Postback._meta.get_field(name).verbose_name)  # type: ignore[union-attr] # noqa: SLF001 -- Django's documented interface
    return label[:1].upper() + label[1:]


def _shown(name: str, text: object) -> str:
    if name == "conditions":
        return "; ".join(write_lines(_conditions(text)).splitlines()) or "none"
    choices = dict(Postback._meta.get_field(name).flatchoices or ())  # type: ignore[union-attr] # noqa: SLF001 -- as above
    return str(choices.get(str(text), "none" if str(text) == "None" else text))
