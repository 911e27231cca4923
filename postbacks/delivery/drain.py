"""The drain: claims what is due, lane by lane, and hands it to the sender; it never waits for a destination."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

import psycopg2
from psycopg2 import extensions
from redis.exceptions import RedisError

from postbacks import database
from postbacks.delivery import claim, heartbeat, ready_queue, turns
from postbacks.delivery.access_tokens.keeper import Keeper
from postbacks.delivery.capacity import Capacity
from postbacks.delivery.circuit_breaker import store as circuit_breaker
from postbacks.delivery.database_clock import database_clock
from postbacks.delivery.outcomes import Claimed
from postbacks.delivery.outgoing import Outgoing
from postbacks.delivery.ownership import Ownership
from postbacks.delivery.pacing import Pacing
from postbacks.delivery.passed import Passed
from postbacks.delivery.setups import Setup, Setups

logger = logging.getLogger(__name__)

LANES_PER_CLAIM = 128
ROWS_PER_CLAIM = 512  # Batches of 100 cost a quarter of the throughput; larger ones only add latency for the others.
# Each lane of a claim costs as much as several rows. Where lanes have so much that claims are full, there are fewer in
# each, and more of each.
FEWEST_LANES = 8
# Under steady traffic some lane is always due. A drain that a message has started keeps other tasks waiting.
DRAIN_FOR_SECONDS = 1.0
TOKEN_WAIT_SECONDS = 1.0  # It is woken when its token has come; this is in case that is missed.
LOCKED_WAIT_SECONDS = 0.05  # Another process has it for a few milliseconds; others may have it for hours.


class Popped(NamedTuple):
    """The lanes of one round. `held` has the seconds until a held lane may be probed; `probes` are probed now."""

    setups: dict[int, Setup]
    usable: list[Setup]
    held: dict[int, float]
    probes: set[int]


class Drain:
    """Runs on the thread that the bell has called, or on Celery's; one drain at a time."""

    def __init__(  # noqa: PLR0917 -- the parts of the engine that it works with
        self,
        holder: int,
        capacity: Capacity,
        outgoing: Outgoing,
        share: Callable[[int], int],
        ownership: Ownership | None = None,
        keeper: Keeper | None = None,
    ) -> None:
        self._keeper = keeper or Keeper()
        self._ownership = ownership or Ownership()
        self._holder = holder
        self._capacity = capacity
        self._outgoing = outgoing
        self._pacing = Pacing(capacity, outgoing)
        self._share = share
        self._own: set[int] = set()
        self._own_lock = threading.Lock()
        self._running = threading.Lock()  # Guards those below.
        self._in_hand: list[tuple[list[Claimed], set[int]]] = []  # Claimed in this round, each with its probes.
        self._setups = Setups()
        self._passed = Passed()
        self._session = database.Session("claim")
        self._pulse = heartbeat.ProcessPulse(heartbeat.CLAIM, holder)
        self._most_lanes = LANES_PER_CLAIM  # In one claim, for now.

    def come_back_to(self, lanes: Collection[int]) -> None:
        """Has the next drain begin with these lanes, for which this process has room again.

        They do not go through Redis: a process without room for them might take them from there, and would wait until
        it has some, while this one does nothing.
        """
        with self._own_lock:
            self._own.update(lanes)

    def run(self, able: Callable[[], bool]) -> None:
        """Claims, builds and hands over until nothing is due, the process is full or not `able`, or time is up."""
        with self._running:
            until = time.monotonic() + DRAIN_FOR_SECONDS
            more = True
            try:
                while more and able() and time.monotonic() < until and self._capacity.find_room():
                    most = self._lanes_now()
                    own = self._take_own(most)
                    # With them, so that a lane with little does not wait for those that this process is busy with, and
                    # because a claim from a few lanes costs nearly as much as one from many.
                    due = ready_queue.take_due(max(most - len(own), FEWEST_LANES if own else 1))
                    lanes = own + [lane for lane in due if lane not in own]
                    # If these are all, whatever comes later is announced anew.
                    more = bool(lanes) and (self._round(lanes) or bool(own) or len(lanes) == most)
            except (psycopg2.OperationalError, psycopg2.InterfaceError, RedisError) as error:
                logger.warning("The drain was cut short (%s); the sweep will start another.", str(error).strip())
                self._session.close()
            else:
                if more and not self._capacity.full:
                    ready_queue.wake({})  # For what is still due.

    def close(self) -> None:
        """Closes the database connection; for use after the last drain."""
        with self._running:
            self._session.close()

    def _take_own(self, most: int) -> list[int]:
        with self._own_lock:
            lanes = list(self._own)[:most]
            self._own.difference_update(lanes)
        return lanes

    def _lanes_now(self) -> int:
        """How many lanes to claim from: in a process that is nearly full so few that each has its usual turn."""
        return max(1, self._most_lanes * min(ROWS_PER_CLAIM, self._capacity.room()) // ROWS_PER_CLAIM)

    def _learn_depth(self, room: int, claimed: int) -> None:
        """Takes fewer lanes at a time while these yield what there was room for, and more again when they do not."""
        if claimed >= room * 3 // 4:
            self._most_lanes = max(FEWEST_LANES, self._most_lanes // 2)
        elif claimed < room // 2:
            self._most_lanes = min(LANES_PER_CLAIM, self._most_lanes * 2)

    def _round(self, lanes_due: Sequence[int]) -> bool:
        """Returns whether any of these lanes has more work now, and this process has room for it."""
        room = min(ROWS_PER_CLAIM, self._capacity.room())
        self._in_hand.clear()
        try:
            with self._session.cursor() as cursor:
                database_clock.learn(cursor)
                popped, claimed, due = self._take(cursor, lanes_due)
                self._pulse.note(cursor)
        except BaseException:
            # The connection may be cut once something is claimed. Nobody else would send it: its leases are kept for as
            # long as this process lives.
            for ones, probes in self._in_hand:
                self._outgoing.release(ones, probes)
            raise
        self._learn_depth(room, len(claimed))
        limits = {setup.postback_id: setup.maximum_requests for setup in popped.usable if setup.maximum_requests}
        counts = Counter(one.postback_id for one in claimed)
        deep = {lane for lane in turns.with_full_turn(claimed, counts) if due.get(lane) == 0 and lane not in limits}
        unpaced = {lane: seconds for lane, seconds in due.items() if lane not in limits and lane not in deep}
        if unpaced or deep:
            ready_queue.wake(unpaced, deep=deep)  # Another process takes a part while this one builds.
        unlimited = [(one, None) for one in turns.in_turns(claimed) if one.postback_id not in limits]
        self._outgoing.send(unlimited, popped.setups, popped.probes)
        of_limited: dict[int, list[Claimed]] = {lane: [] for lane in limits}
        for one in claimed:
            if one.postback_id in limits:
                of_limited[one.postback_id].append(one)
        for lane, ones in of_limited.items():
            free = self._pacing.send(limits[lane], ones, popped.setups, popped.probes) if ones else 0.0
            if lane in due:
                due[lane] = max(due[lane], free)
                self._pacing.put_off(lane, due[lane])
        # A lane without room here is left to those that it was woken for; this process would take it from them.
        return bool(self._capacity.rooms({lane: self._share(lane) for lane, seconds in due.items() if seconds <= 0}))

    def _take(
        self, cursor: extensions.cursor, lanes_due: Sequence[int]
    ) -> tuple[Popped, list[Claimed], dict[int, float]]:
        """Claims from lanes that are known, and have not changed, with one statement; the others are read before."""
        known = self._setups.known(lanes_due)
        popped = Popped(known, list(known.values()), {}, set())
        claimed, due, changed = self._claim(cursor, popped)
        others = [*changed, *(lane for lane in lanes_due if lane not in known)]
        if others:
            read = self._look_at(cursor, others)
            more, due_of_others, changed = self._claim(cursor, read)
            claimed += more
            due |= due_of_others | dict.fromkeys(changed, 0.0)
            usable = [setup for setup in popped.usable if setup.postback_id not in others] + read.usable
            popped = Popped(known | read.setups, usable, read.held, read.probes)
        return popped, claimed, due

    def _look_at(self, cursor: extensions.cursor, lanes: Sequence[int]) -> Popped:
        setups = self._setups.read(cursor, lanes)
        running = [setup for lane in lanes if (setup := setups.get(lane)) and not setup.stopped]
        held = {setup.postback_id: setup.probe_seconds for setup in running if setup.probe_seconds is not None}
        if self._setups.clients:
            running = self._with_tokens(running, held)
        probes = circuit_breaker.take_probes(cursor, [lane for lane, seconds in held.items() if seconds <= 0])
        usable = [setup for setup in running if setup.postback_id not in held or setup.postback_id in probes]
        return Popped(setups, usable, held, probes)

    def _with_tokens(self, running: list[Setup], held: dict[int, float]) -> list[Setup]:
        """Those that need not wait for an access token; the others are put off among the held. Tokens are ordered for
        lanes that have work, and of the held ones for those whose probe is due."""
        due = [setup for setup in running if held.get(setup.postback_id, 0.0) <= 0]
        self._keeper.order(self._setups.clients, {one.postback_id: one.access for one in due if one.access is not None})
        held |= {setup.postback_id: TOKEN_WAIT_SECONDS for setup in due if setup.waits_for_token}
        return [setup for setup in running if not setup.waits_for_token]

    def _claim(self, cursor: extensions.cursor, popped: Popped) -> tuple[list[Claimed], dict[int, float], list[int]]:
        """Returns what was claimed; by lane, the seconds until there is work again; and the lanes that have changed,
        from which nothing was claimed."""
        room = {lane: 1 if lane in popped.probes else most for lane, most in self._rooms(popped.usable).items()}
        taken = self._claim_from(cursor, room, popped)
        changed = [lane for lane in room if lane in taken.lanes and not taken.lanes[lane].expected]
        for lane, now in taken.lanes.items():
            if now.troubled != popped.setups[lane].troubled:
                popped.setups[lane] = popped.setups[lane]._replace(troubled=now.troubled)
        counts = self._capacity.add(taken.claimed)
        self._in_hand.append(([*taken.claimed], popped.probes))
        probed = {lane for lane in popped.probes if counts[lane]}
        circuit_breaker.return_probes(cursor, [lane for lane in popped.probes if lane not in probed])
        unchanged = {lane: most for lane, most in room.items() if lane in taken.lanes and lane not in changed}
        due = self._next_due(cursor, unchanged, counts, taken.lanes)
        due |= dict.fromkeys(self._passed.note(unchanged, counts, taken.lanes), 0.0)
        # A held lane comes back when its next probe may go out; if a probe is out, its outcome says when.
        due = {lane: seconds for lane, seconds in due.items() if lane not in probed}
        due |= {lane: seconds for lane, seconds in popped.held.items() if seconds > 0}
        return taken.claimed, due, changed

    def _claim_from(self, cursor: extensions.cursor, room: Mapping[int, int], popped: Popped) -> claim.Taken:
        if not room:
            return claim.Taken([], {})
        versions = {lane: popped.setups[lane].version for lane in room}
        replay_room, tenure = self._capacity.replay_room(), self._ownership.tenure
        places = self._passed.places(room)
        return claim.claim(
            cursor, self._holder, room, replay_room, tenure, versions=versions, probed=popped.probes, after=places
        )

    def _rooms(self, usable: Sequence[Setup]) -> dict[int, int]:
        """How many deliveries to claim by lane; lanes without room are remembered for later."""
        per_lane = max(1, min(ROWS_PER_CLAIM, self._capacity.room()) // max(1, len(usable)))
        slots = self._pacing.look(usable)
        free = [setup.postback_id for setup in usable if slots.get(setup.postback_id) != 0]
        rooms = self._capacity.rooms({lane: self._share(lane) for lane in free})
        return {lane: min(per_lane, room, slots.get(lane, per_lane)) for lane, room in rooms.items()}

    def _next_due(
        self,
        cursor: extensions.cursor,
        room: Mapping[int, int],
        counts: Counter[int],
        lanes: Mapping[int, claim.LaneNow],
    ) -> dict[int, float]:
        """When each of these lanes has work again: at once if its room was used up."""
        due = {lane: 0.0 for lane in room if counts[lane] == room[lane]}
        unclear = []
        for lane in room:
            if lane in due:
                continue
            now = lanes[lane]
            if not counts[lane] or (now.replay_seconds is not None and now.replay_seconds <= 0):
                unclear.append(lane)  # What is due may be locked, or wait for a turn of the replays.
            elif times := [each for each in (now.later_seconds, now.replay_seconds) if each is not None]:
                due[lane] = min(times)
        return due | self._look_ahead(cursor, unclear, counts) if unclear else due

    def _look_ahead(self, cursor: extensions.cursor, lanes: Sequence[int], counts: Counter[int]) -> dict[int, float]:
        try:
            found = claim.next_due(cursor, lanes)
        except psycopg2.Error as error:
            logger.warning("Could not look up what is due next (%s); the sweep will find it.", str(error).strip())
            return {}
        due = {}
        limited = self._capacity.replay_room() is not None
        waiting = {lane for lane, each in found.items() if limited and each.replay is not None and each.replay <= 0}
        self._capacity.put_off_replays(waiting)
        for lane, (delivery, replay) in found.items():
            times = [seconds for seconds in (delivery, None if lane in waiting else replay) if seconds is not None]
            if times:
                # If nothing could be claimed of what is due, somebody has locked it.
                due[lane] = min(times) if counts[lane] else max(min(times), LOCKED_WAIT_SECONDS)
        return due
