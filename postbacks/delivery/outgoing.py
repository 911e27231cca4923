"""Turns claimed deliveries into requests for the sender; what cannot be built or has no slot goes to the recorder."""

from __future__ import annotations

import logging
from collections.abc import Container, Iterable, Mapping, Sequence

import orjson

from postbacks.delivery.attempt_traces import mark_of_attempt
from postbacks.delivery.database_clock import database_clock
from postbacks.delivery.judging import judge, masked
from postbacks.delivery.outcomes import Claimed, GaveUp, Judged, Prepared, Released, Sent
from postbacks.delivery.rate_limit import Window
from postbacks.delivery.recorder import Recorder
from postbacks.delivery.sender import Sender
from postbacks.delivery.setups import Setup
from postbacks.request.building import Unbuildable

logger = logging.getLogger(__name__)

BUILD_SLICE = 64  # The sender gets this many at a time, so that the first leave while the rest are built.

Timed = tuple[Claimed, Window | None]  # With when it may leave, if the lane has a limit.


class Outgoing:
    """Keeps no state, so any thread may call it: the sender and the recorder accept calls from any thread."""

    def __init__(self, sender: Sender, recorder: Recorder) -> None:
        self._sender = sender
        self._recorder = recorder

    def send(self, ones: Sequence[Timed], setups: Mapping[int, Setup], probes: set[int]) -> None:
        """Builds the requests and hands them to the sender, slice by slice. `probes` are the lanes that are probed."""
        for start in range(0, len(ones), BUILD_SLICE):
            prepared = []
            for claimed, window in ones[start : start + BUILD_SLICE]:
                probe = claimed.postback_id in probes
                result = prepare(claimed, setups[claimed.postback_id], window, probe=probe)
                access = setups[claimed.postback_id].access
                if not isinstance(result, Prepared):
                    self._recorder.put(Judged(claimed, result, None, probe))
                elif access is not None and access.failure is not None:
                    # An attempt all the same, so that the log tells of it and the schedule of retries holds.
                    sent = masked(Sent(result, database_clock.now(), 0.0, access.failure))
                    self._recorder.put(Judged(claimed, judge(sent), sent, probe))
                else:
                    prepared.append(result)
            if prepared:
                self._sender.put(prepared)

    def release(self, ones: Iterable[Claimed], probes: Container[int]) -> None:
        """Returns deliveries unchanged: no attempt was made. `probes` are the lanes that are probed."""
        for claimed in ones:
            self._recorder.put(Judged(claimed, Released(), None, claimed.postback_id in probes))


def prepare(claimed: Claimed, setup: Setup, window: Window | None, *, probe: bool = False) -> Prepared | GaveUp:
    """Builds the request from the event's values and the postback as it is set up now."""
    compiled, rules, broken, *_ = setup.compiled
    if compiled is None or rules is None:
        return GaveUp(broken)
    values = orjson.loads(claimed.parameters)
    limit = setup.maximum_requests or 0
    values["DeliveryId"] = claimed.known_as
    values["Attempt"] = str(claimed.attempt)
    values["ActionEvent"] = claimed.event_kind
    try:
        # A receiver refuses a signature whose time is some minutes off, as this host's clock may be.
        request = compiled.build(values, signed_at=database_clock.now(), trace=mark_of_attempt(claimed))
        bearer = None if setup.access is None else setup.access.bearer
        return Prepared(claimed, request, rules, window, setup.troubled, probe, limit, bearer)
    except Unbuildable as problem:
        return GaveUp(str(problem))
    except Exception as bug:
        logger.exception("Delivery %d could not be built.", claimed.delivery_id)
        return GaveUp(f"The request could not be built because of an internal error: {bug!r}")
