"""The log as a file: CSV or JSON, made while it is sent, with a last line that says so if something is missing."""

from __future__ import annotations

import csv
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from io import StringIO
from typing import Any, Final

import orjson
from django.utils import timezone

from postbacks.admin.integrations.owners import kind_of
from postbacks.admin.integrations.rows import place_called
from postbacks.delivery_log.hits import Hit
from postbacks.delivery_log.personal import may_hold_personal_data
from postbacks.delivery_log.resent import NOT_RESENT, Resent, resent_among
from postbacks.delivery_log.words import label_of, text_of
from postbacks.models import Attempt, Delivery

logger = logging.getLogger(__name__)

COLUMNS: Final = (
    *("delivery", "made_at", "state", "text", "ended_at", "due_at", "attempts", "known_as", "resent_as", "resend_of"),
    *("replay", "action", "order_id", "event", "event_at", "program", "event_type"),
    *("owner_kind", "owner_id", "owner", "postback_id", "postback"),
    *("attempt", "attempted_at", "status", "duration_ms", "method", "url", "hidden"),
)
INCOMPLETE: Final = "EXPORT INCOMPLETE"
HIDDEN: Final = "personal data"
# A spreadsheet takes what begins so for a formula, or skips to what follows it.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")

Record = dict[str, Any]
Pages = Iterable[list[Hit]]
Read = Callable[[list[Hit]], list[Record]]
Written = Callable[[int], object]


def records_of(hits: Sequence[Hit], *, personal: bool) -> list[Record]:
    """These rows of the log by COLUMNS, in four queries: each delivery with the attempt that the row is about, or with
    its latest. Without `personal`, the URL of one that may tell who the customer is has host and path of its postback
    only, as on its page, and `hidden` says why."""
    deferred = ("action__reported",) if not personal else ("parameters", "event__parameters", "action__reported")
    loaded = Delivery.objects.select_related(
        *("postback__partner", "postback__media_source", "postback__action_tracker__program", "postback__lane"),
        *("event", "action"),
    )
    ids = [hit.delivery for hit in hits]
    found = loaded.defer(*deferred).in_bulk(ids)
    told = Attempt.objects.only("delivery_id", "number", "started_at", "status", "duration_ms", "method", "url")
    named = told.in_bulk([hit.attempt for hit in hits if hit.attempt is not None])
    counting = told.filter(delivery__in=ids, overlap_of=None).order_by("delivery_id", "-number")
    latest = {} if named else {each.delivery_id: each for each in counting.distinct("delivery_id")}
    resent = resent_among(ids)
    return [
        _record(
            found[hit.delivery],
            latest.get(hit.delivery) if hit.attempt is None else named.get(hit.attempt),
            resent.get(hit.delivery, NOT_RESENT),
            personal=personal,
        )
        for hit in hits
        if hit.delivery in found
    ]


def _record(delivery: Delivery, attempt: Attempt | None, resent: Resent, *, personal: bool) -> Record:
    postback, owner = delivery.postback, delivery.postback.owner
    hidden = not personal and may_hold_personal_data(delivery)
    record: Record = {
        "delivery": delivery.pk,
        "made_at": _moment(delivery.created_at),
        "state": label_of(delivery),
        "text": text_of(delivery),
        "ended_at": _moment(delivery.finished_at),
        "due_at": _moment(delivery.due_at),
        "attempts": delivery.attempts_made,
        "known_as": delivery.sent_as,
        "resent_as": resent.newer,
        "resend_of": resent.older,
        "replay": delivery.replay_id,
        "action": delivery.action.action_id,
        "order_id": delivery.action.order_id,
        "event": delivery.event.kind,
        "event_at": _moment(delivery.event.recorded_at),
        "program": postback.action_tracker.program.name,
        "event_type": postback.action_tracker.name,
        "owner_kind": kind_of(owner).noun,
        "owner_id": owner.pk,
        "owner": owner.name,
        "postback_id": postback.pk,
        "postback": postback.name,
    }
    if attempt is not None:
        record |= {
            "attempt": attempt.number,
            "attempted_at": _moment(attempt.started_at),
            "status": attempt.status,
            "duration_ms": attempt.duration_ms,
            "method": attempt.method,
            "url": place_called(postback.url) if hidden else attempt.url,
        }
    return dict.fromkeys(COLUMNS) | record | {"hidden": HIDDEN if hidden else None}


def _moment(moment: datetime | None) -> str | None:
    """In the current time zone, with its offset."""
    return None if moment is None else timezone.localtime(moment).isoformat(timespec="milliseconds")


def safe_cell(value: Any) -> Any:
    """A cell that no spreadsheet computes; empty for None."""
    text = "" if value is None else value
    return f"'{text}" if isinstance(text, str) and text.startswith(_FORMULA) else text


def csv_of(pages: Pages, read: Read, written: Written) -> Iterator[str]:
    """The file piece by piece. `written` is told how many rows there are so far."""
    yield _lines([COLUMNS])
    count = 0
    try:
        for records in map(read, pages):
            yield _lines([[safe_cell(record[name]) for name in COLUMNS] for record in records])
            count += len(records)
            written(count)
    except Exception:
        logger.exception("An export broke off after %d rows.", count)
        yield _lines([(INCOMPLETE, _broken_off(count))])


def json_of(pages: Pages, read: Read, written: Written) -> Iterator[str]:
    """The same as one JSON object; `complete` at its end is false if rows are missing."""
    yield '{"deliveries": ['
    count, end = 0, '"complete": true}'
    try:
        for records in map(read, pages):
            lines = ",\n".join(orjson.dumps(record).decode() for record in records)
            yield f"{',' if count and lines else ''}\n{lines}"
            count += len(records)
            written(count)
    except Exception:
        logger.exception("An export broke off after %d rows.", count)
        end = f'"complete": false, "error": {orjson.dumps(_broken_off(count)).decode()}}}'
    yield f'\n], "count": {count}, {end}\n'


FORMATS: Final[dict[str, tuple[Callable[[Pages, Read, Written], Iterator[str]], str]]] = {
    "csv": (csv_of, "text/csv; charset=utf-8"),
    "json": (json_of, "application/json"),
}


def _broken_off(count: int) -> str:
    return f"The export broke off after {count:,} rows; the rest is missing. Export again, or narrow the filters."


def _lines(rows: Iterable[Sequence[Any]]) -> str:
    text = StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
