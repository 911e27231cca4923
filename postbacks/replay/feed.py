"""Feeds a replay to the engine, batch by batch; its driver may die at any moment.

A batch takes rows of the plan and makes their deliveries in one transaction. It keeps whole actions together, so that
what follows an event goes behind it, and locks them against reports that arrive meanwhile: a live event of such an
action either sees these deliveries and queues behind them, or is found here and goes again after them. Little is fed
ahead, so that a cancelled replay has little under way and live traffic meets a short queue.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.db import OperationalError, transaction
from django.db.models import F
from django.db.models.functions import Now
from psycopg2 import extensions

from actions.models import ActionEvent
from postbacks.database import not_for_long, raw_cursor
from postbacks.delivery.chains import Made, blocked_among, insertion, promote_and_wake
from postbacks.delivery.known_ids import derived, is_derived
from postbacks.delivery_states import SQL_HAD, SQL_WAITING
from postbacks.metrics.tally import count_ended
from postbacks.models import Delivery, Replay
from postbacks.replay.current import corrected, present_values

logger = logging.getLogger(__name__)

BATCH = 500  # Deliveries, roughly: actions are not split.
WINDOW = 10_000  # Unfinished deliveries of one replay; a few seconds of work for the engine.
RATE_WINDOW_SECONDS = 2.0  # With a rate: how many seconds of it are fed ahead.
DRIVEN_SECONDS = 5.0  # A driver that is silent for longer counts as dead, and another may take over.
PAUSE_SECONDS = 0.2
LEAST_SHARE = 20  # A twentieth of the window must be free: small batches cost as much as large ones.

# The actions of the next batch. Those that a report is changing at this moment come later.
_ACTIONS = """
SELECT a.id FROM actions_action a
WHERE a.id = ANY (ARRAY(
    SELECT DISTINCT action_id FROM (
        SELECT action_id FROM postbacks_replayitem WHERE replay_id = %s
        ORDER BY action_id, postback_id, event_id LIMIT %s
    ) next
))
ORDER BY a.id FOR NO KEY UPDATE SKIP LOCKED
"""
# As the receiver knows the event, or would have known it; where new ids are asked for, with those of the replay.
_KNOWN_BY = f"""
CASE WHEN NOT %(as_sent)s THEN {derived("'replay:%(replay)s'")}
     WHEN v.known_as IS NULL THEN {derived()}
     ELSE (
        SELECT CASE WHEN {is_derived("o")} THEN o.known_by END FROM postbacks_delivery o
        WHERE o.event_id = v.event_id AND o.postback_id = v.postback_id AND coalesce(o.known_as, o.id) = v.known_as
        ORDER BY o.id LIMIT 1
     ) END
"""  # noqa: S608 -- made of constants
# Sends again later events that the postback has received, or is about to, since the plan was made. If a chain has an
# unfinished delivery, new ones join at its end.
_MADE = insertion(
    "(SELECT * FROM wanted UNION ALL SELECT * FROM late) v",
    due_at="%(due)s + make_interval(secs => %(apart)s * (row_number() OVER (ORDER BY v.action_id, v.event_id) - 1))",
    order="v.action_id, v.event_id",
    priority="%(priority)s",
    replay_id="%(replay)s",
    known_as="v.known_as",
    known_by=_KNOWN_BY,
)
_MAKE = f"""
WITH taken AS (
    DELETE FROM postbacks_replayitem i USING postbacks_postback p
    WHERE i.replay_id = %(replay)s AND i.action_id = ANY (%(actions)s) AND p.id = i.postback_id
    RETURNING i.postback_id, i.action_id, i.event_id, i.known_as, p.deleted_at
), wanted AS (
    SELECT postback_id, action_id, event_id, known_as FROM taken WHERE deleted_at IS NULL
), late AS (
    SELECT d.postback_id, d.action_id, d.event_id,
           CASE WHEN %(as_sent)s THEN min(coalesce(d.known_as, d.id)) END AS known_as
    FROM (SELECT postback_id, action_id, min(event_id) AS first FROM wanted GROUP BY postback_id, action_id) w
    JOIN actions_actionevent e ON e.action_id = w.action_id AND e.id > w.first
    JOIN postbacks_delivery d ON d.event_id = e.id AND d.postback_id = w.postback_id
    WHERE NOT %(exact)s
      AND NOT EXISTS (SELECT 1 FROM wanted o WHERE o.postback_id = d.postback_id AND o.event_id = d.event_id)
    GROUP BY d.postback_id, d.action_id, d.event_id
    HAVING bool_or(d.state IN {SQL_HAD})
), made AS ({_MADE})
SELECT made.*, added.count
FROM (SELECT (SELECT count(*) FROM late) - (SELECT count(*) FROM taken WHERE deleted_at IS NOT NULL) AS count) added
LEFT JOIN made ON true
"""  # noqa: S608 -- made of constants
_CORRECT = """
UPDATE postbacks_delivery d SET parameters = v.parameters
FROM unnest(%s::bigint[], %s::jsonb[]) AS v (id, parameters) WHERE d.id = v.id
"""
_PUT_BACK = f"""
WITH waiting AS (
    UPDATE postbacks_delivery SET state = 'cancelled', finished_at = now(), reason = 'The replay was cancelled.'
    WHERE replay_id = %(replay)s AND state IN {SQL_WAITING}
    RETURNING postback_id, action_id, event_id, known_as
), back AS (
    INSERT INTO postbacks_replayitem (replay_id, postback_id, action_id, event_id, known_as)
    SELECT %(replay)s, postback_id, action_id, event_id, known_as FROM waiting ON CONFLICT DO NOTHING
)
SELECT postback_id, action_id FROM waiting
"""  # noqa: S608 -- as above


class Driver:
    """Drives one replay while it is running and no other driver has it."""

    def __init__(self, replay_id: int) -> None:
        self._replay_id = replay_id
        self._number = secrets.randbelow(2**62)

    def take(self, *, resume: bool = False) -> bool:
        """Takes over the replay, or keeps it. False if it is not running or another driver has it; `resume` also starts
        a stopped or cancelled one again."""
        states = [Replay.State.RUNNING]
        if resume:
            states += [Replay.State.STOPPED, Replay.State.CANCELLED]
        free = Replay.objects.filter(pk=self._replay_id, state__in=states)
        free = free.filter(driver=self._number) | free.filter(driver=None) | free.filter(driven_until__lt=Now())
        with transaction.atomic():
            not_for_long()
            return bool(free.update(state=Replay.State.RUNNING, ended_at=None, **self._at_the_wheel()))

    def let_go(self, state: str | None = None) -> None:
        """Leaves the replay to others; with a state, also ends or stops it."""
        mine = Replay.objects.filter(pk=self._replay_id, driver=self._number)
        with transaction.atomic():
            not_for_long()
            if state is not None:
                mine.filter(state=Replay.State.RUNNING).update(state=state, ended_at=Now())
            mine.update(driver=None, driven_until=None)

    def step(self) -> int | None:
        """Makes one batch; returns how many deliveries. None if nothing is left, or the replay is not this driver's."""
        with transaction.atomic():
            not_for_long()
            replay = Replay.objects.select_for_update().get(pk=self._replay_id)
            if replay.state != Replay.State.RUNNING or replay.driver != self._number:
                return None
            room = _room(replay)
            with raw_cursor() as cursor:
                due = _first_due(cursor, replay)
                rows, added = _make(cursor, replay, min(BATCH, room), due) if room > 0 else ([], 0)
            done = not replay.items.exists()
            Replay.objects.filter(pk=replay.pk).update(
                made=F("made") + len(rows),
                planned=F("planned") + added,
                next_due_at=due + timedelta(seconds=len(rows) / replay.rate) if replay.rate else None,
                **self._at_the_wheel(),
            )
        if rows:
            promote_and_wake(blocked_among(rows), dict.fromkeys((row.postback_id for row in rows), 0.0))
        if done:
            self.let_go(Replay.State.FINISHED)
            return None
        return len(rows)

    def drive(self, watch: Callable[[int], object] = lambda _: None, until: float = float("inf")) -> None:
        """Feeds until everything is handed over, the replay is stopped, or the monotonic clock reaches `until`."""
        while time.monotonic() < until:
            made = self.step()
            if made is None:
                return
            watch(made)
            if not made:
                time.sleep(PAUSE_SECONDS)

    def _at_the_wheel(self) -> dict[str, Any]:
        return {"driver": self._number, "driven_until": Now() + timedelta(seconds=DRIVEN_SECONDS)}


def drive_for(seconds: float) -> None:
    """Drives each running replay without a driver, one after another, for `seconds` in all."""
    until = time.monotonic() + seconds
    for replay_id in Replay.objects.filter(state=Replay.State.RUNNING).order_by("pk").values_list("pk", flat=True):
        driver = Driver(replay_id)
        try:
            if time.monotonic() < until and driver.take():
                driver.drive(until=until)
                driver.let_go()
        except OperationalError as error:
            logger.warning("Replay %d cannot go on yet (%s).", replay_id, str(error).strip())


def cancel(replay: Replay) -> bool:
    """Stops a replay and takes back what has not been sent; it can be resumed. False if there is nothing to stop."""
    with transaction.atomic():
        locked = Replay.objects.select_for_update().get(pk=replay.pk)
        waiting = locked.deliveries.filter(state__in=Delivery.WAITING)
        if locked.state == Replay.State.CANCELLED or (locked.state == Replay.State.FINISHED and not waiting.exists()):
            return False
        with raw_cursor() as cursor:
            cursor.execute(_PUT_BACK, {"replay": replay.pk})
            chains = cursor.fetchall()
            count_ended(cursor, Counter(postback for postback, _ in chains), Delivery.State.CANCELLED)
        Replay.objects.filter(pk=replay.pk).update(
            state=Replay.State.CANCELLED, ended_at=Now(), driver=None, made=F("made") - len(chains)
        )
    promote_and_wake(chains)  # Live deliveries may wait behind them.
    return True


def resume(replay: Replay) -> bool:
    """Starts a stopped or cancelled replay again, for the workers to drive. False if it is neither."""
    stopped = Replay.objects.filter(pk=replay.pk, state__in=(Replay.State.STOPPED, Replay.State.CANCELLED))
    return bool(stopped.update(state=Replay.State.RUNNING, ended_at=None, driver=None, driven_until=None))


def _room(replay: Replay) -> int:
    window = WINDOW if replay.rate is None else max(1, int(replay.rate * RATE_WINDOW_SECONDS))
    room = window - replay.deliveries.filter(state__in=Delivery.UNFINISHED).count()
    return room if room > window // LEAST_SHARE or window < LEAST_SHARE else 0


def _make(cursor: extensions.cursor, replay: Replay, most: int, due: datetime) -> tuple[list[Made], int]:
    """Makes the deliveries of a batch; returns them, and by how many the plan has grown: late events are added, those
    of postbacks deleted meanwhile dropped."""
    cursor.execute(_ACTIONS, (replay.pk, most))
    actions = [action for (action,) in cursor.fetchall()]
    if not actions:
        return [], 0
    as_sent = replay.values == Replay.Values.AS_SENT
    cursor.execute(
        _MAKE,
        {
            "replay": replay.pk,
            "actions": actions,
            "as_sent": as_sent,
            "exact": replay.exact,
            "priority": int(Delivery.Priority.REPLAY),
            "due": due,
            "apart": 1 / replay.rate if replay.rate else 0.0,
        },
    )
    answer = cursor.fetchall()
    rows = [Made(*row[:-1]) for row in answer if row[0] is not None]
    if not as_sent:
        _correct(cursor, rows)
    return rows, answer[0][-1]


def _correct(cursor: extensions.cursor, rows: list[Made]) -> None:
    present = present_values({row.action_id for row in rows})
    of_events = dict(ActionEvent.objects.filter(pk__in={row.event_id for row in rows}).values_list("pk", "parameters"))
    values = [orjson.dumps(corrected(of_events[row.event_id], present[row.action_id])).decode() for row in rows]
    cursor.execute(_CORRECT, ([row.delivery_id for row in rows], values))


def _first_due(cursor: extensions.cursor, replay: Replay) -> datetime:
    """By the database's clock, which decides what is due: that of the driver's host may be off by an hour."""
    cursor.execute("SELECT now()")
    (now,) = cursor.fetchone() or (None,)
    assert isinstance(now, datetime)  # noqa: S101 -- what now() is
    return max(now, replay.next_due_at or now) if replay.rate else now
