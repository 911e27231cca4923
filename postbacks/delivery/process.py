"""The engine of one worker process: its threads, and what they pass to each other.

There are six: Celery's thread, that of the bell, on which nearly all drains run, and those of the sender, the judge,
the recorder and the caretaker, which sweeps when it has the turn; with OAuth 2.0, also those of the keeper, which
fetches tokens. All but Celery's start right after the fork, or at the first task where nothing is forked, and stop at
the worker's shutdown signal.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial
from itertools import cycle
from random import random

from django.conf import settings

from postbacks import __version__
from postbacks.delivery import leases, ready_queue
from postbacks.delivery.access_tokens.keeper import Keeper
from postbacks.delivery.aftermath import FollowUp
from postbacks.delivery.answered import Answered
from postbacks.delivery.attempt_log import log_attempts
from postbacks.delivery.attempt_traces import trace_attempts
from postbacks.delivery.bell import Bell
from postbacks.delivery.capacity import Capacity
from postbacks.delivery.drain import Drain
from postbacks.delivery.judge import Judge
from postbacks.delivery.judging import UNAUTHORIZED, is_quick, judge, masked, rejects_token
from postbacks.delivery.outcomes import GaveUp, Judged, Outcome, Prepared, Released, Sent
from postbacks.delivery.outgoing import Outgoing
from postbacks.delivery.ownership import Ownership
from postbacks.delivery.recorder import Recorder
from postbacks.delivery.sender import Sender
from postbacks.delivery.sweep import sweeper
from postbacks.egress.answer import Answer
from tracing import traces

logger = logging.getLogger(__name__)

RECORDER_START_SECONDS = 5
CARE_EVERY_SECONDS = 1.0
# The part of the shutdown's time that is kept for the recorder, to write what the sender finished last.
RECORDING_SECONDS = 2
CARETAKER_STOP_SECONDS = 2  # A round of the sweep takes milliseconds.


class Engine:
    """Made once per process by `engine()`.

    Its attributes are set before the threads start and never replaced; what changes is inside them, behind locks.
    """

    def __init__(self) -> None:
        self.capacity = Capacity()
        self.ownership = Ownership()
        holder = leases.new_holder()
        self._stopping = threading.Event()
        self._answered = Answered(holder)
        self._recorder = Recorder(holder, self._on_recorded, self.ownership, lambda: self.capacity.total)
        self._judge = Judge(self._on_judged)
        self._sender = Sender(self._on_sent, self._on_unsent, self._may_start, self.ownership)
        self._outgoing = Outgoing(self._sender, self._recorder)
        self._keeper = Keeper()
        self._drain = Drain(holder, self.capacity, self._outgoing, self._sender.share, self.ownership, self._keeper)
        self._bell = Bell(holder, self.drain, self._listens)
        sweeper.hold(holder)
        self._caretaker = threading.Thread(target=self._take_care, name="postbacks-caretaker", daemon=True)
        self._recorder.start()
        self._judge.start()
        self._sender.start()
        self._caretaker.start()

    # On Celery's thread.

    def wake_up(self) -> None:
        """From now on the process is awake: it learns by itself that something is due."""
        self._bell.start()

    def drain(self) -> None:
        """Claims and hands over what is due, unless outcomes cannot be recorded."""
        if self._recorder.wait_healthy(RECORDER_START_SECONDS):
            self._drain.run(self._able)
        else:
            logger.warning("Nothing is claimed until outcomes can be recorded again.")

    def stop(self) -> None:
        """Stops claiming, returns what was not started, finishes what is in flight, and records it all."""
        deadline = time.monotonic() + settings.POSTBACKS_SHUTDOWN_TIMEOUT
        self._stopping.set()
        self._bell.stop()
        ready_queue.hand_over()
        self._caretaker.join(CARETAKER_STOP_SECONDS)
        self._sender.stop(max(0.0, deadline - time.monotonic() - RECORDING_SECONDS))
        self._judge.stop(max(0.5, deadline - time.monotonic() - RECORDING_SECONDS))
        self._keeper.stop(max(0.5, deadline - time.monotonic() - RECORDING_SECONDS))
        self._recorder.stop(max(1.0, deadline - time.monotonic()))
        self._drain.close()
        sweeper.hold(None)
        self._answered.close()

    def _able(self) -> bool:
        return not self._stopping.is_set() and self._recorder.healthy and self._sender.alive

    # On the bell's thread.

    def _listens(self) -> bool:
        return self._able() and not self.capacity.full

    # On the caretaker's thread.

    def _take_care(self) -> None:
        # At moments of their own, also beside other processes: what is sent meanwhile waits for one of them.
        cares: cycle[Callable[[], None]] = cycle((partial(sweeper.keep, self.capacity.ids), sweeper.sweep_in_turn))
        self._stopping.wait(random() * CARE_EVERY_SECONDS)  # noqa: S311 -- no secret
        while not self._stopping.wait(CARE_EVERY_SECONDS / 2):
            try:
                next(cares)()
            except Exception:
                logger.exception("A sweep failed; the next one follows.")

    # On the sender's thread.

    def _may_start(self) -> bool:
        return self._recorder.healthy and self.ownership.certain

    def _on_sent(self, sent: Sent) -> None:
        if is_quick(sent):
            self._on_judged(sent)
        else:
            self._judge.put(sent)

    def _on_unsent(self, unsent: Iterable[Prepared]) -> None:
        for prepared in unsent:
            self._recorder.put(Judged(prepared.claimed, Released(), None, prepared.probe))

    # On the judge's thread, or the sender's.

    def _on_judged(self, sent: Sent) -> None:
        known = masked(sent)
        judged = Judged(known.prepared.claimed, _judge(known), known, known.prepared.probe)
        self._answered.note(judged)
        bearer = known.prepared.bearer
        if bearer is not None and isinstance(known.answer, Answer):
            if rejects_token(known):
                # First the token is marked, then the delivery may go again.
                self._keeper.rejected(
                    judged.claimed.postback_id, bearer.generation, partial(self._recorder.put, judged)
                )
                return
            if not bearer.proved and known.answer.status_code != UNAUTHORIZED:
                self._keeper.proved(judged.claimed.postback_id, bearer.generation)
        self._recorder.put(judged)

    # On the recorder's thread.

    def _on_recorded(self, batch: Sequence[Judged], follow_up: FollowUp) -> None:
        """Wakes the lanes that have work now; with an empty batch, only those that were put off."""
        self._sender.resume()
        log_attempts(batch)
        trace_attempts(batch)
        self.capacity.remove([judged.claimed for judged in batch])
        due = follow_up.due
        for judged in batch:
            if isinstance(judged.outcome, Released):
                due.setdefault(judged.claimed.postback_id, 0.0)
        for hold in follow_up.hold_changes:
            if hold.paused or hold.probe_seconds is not None:
                self._sender.recall(hold.postback_id)
            due[hold.postback_id] = hold.probe_seconds or 0.0
        if self._stopping.is_set():
            return
        ready = self.capacity.ready(self._sender.share)
        if ready:
            self._drain.come_back_to(ready)
            self._bell.call_own()
        if due or ready == set():
            ready_queue.wake(due)


def _judge(sent: Sent) -> Outcome:
    try:
        return judge(sent)
    except Exception as bug:
        logger.exception("The answer to delivery %d could not be judged.", sent.prepared.claimed.delivery_id)
        return GaveUp(f"The answer could not be judged because of an internal error: {bug!r}")


@cache
def engine() -> Engine:
    """The engine of this process, started and awake from the first call on."""
    traces.start("worker", __version__)
    started = Engine()
    started.wake_up()
    return started


def stop_engine() -> None:
    """Stops the engine of this process, if it was started."""
    if engine.cache_info().currsize:
        engine().stop()
        engine.cache_clear()
        traces.stop()
