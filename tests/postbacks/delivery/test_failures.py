"""A failure from the socket to the counters: what is recorded of it, what is counted, and whether it opens a hold.

By the real sender and recorder, each failure made to happen on real sockets.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network

import pytest
from django.utils import timezone
from pytest_django import Settings

from postbacks.delivery import ready_queue
from postbacks.delivery.judging import judge
from postbacks.delivery.outcomes import Judged, Prepared, Sent
from postbacks.delivery.process import Engine
from postbacks.delivery.recorder import Recorder
from postbacks.delivery.redis import client
from postbacks.delivery.sender import Sender
from postbacks.egress.failures import Code
from postbacks.egress.transport import Call
from postbacks.metrics.fold import fold
from postbacks.models import Attempt, Delivery, Lane, Postback, Rollup
from tests.support.delivery_rows import OWNER, claimed, make_delivery, make_held, make_lane, prepared
from tests.support.patience import wait_until
from tests.support.receiver import Close, Hang, ScriptedReceiver
from tests.support.wire import Proxy, RawServer
from value_types.secret_text import SecretText

pytestmark = pytest.mark.django_db(transaction=True)

ATTEMPTS = 12  # Of as many actions: two more than a hold takes.


@dataclass
class Scene:
    """What a failure is made with; each way below returns the URL that fails so."""

    settings: Settings
    patch: pytest.MonkeyPatch
    stack: ExitStack

    def unheard(self) -> int:
        """A port on which nobody listens."""
        taken = self.stack.enter_context(socket.socket())
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])

    def receiver(self, answer: Close | Hang) -> ScriptedReceiver:
        return self.stack.enter_context(ScriptedReceiver(lambda _: answer))

    def raw(self) -> RawServer:
        return self.stack.enter_context(closing(RawServer(b"SSH-2.0-OpenSSH_9.9\r\n")))


def nobody_listens(scene: Scene) -> str:
    return f"http://127.0.0.1:{scene.unheard()}/"


def no_connection_in_time(scene: Scene) -> str:
    listener = scene.stack.enter_context(closing(socket.socket()))
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    for _ in range(3):  # A queue that is full takes no more.
        filler = scene.stack.enter_context(closing(socket.socket()))
        filler.setblocking(False)
        filler.connect_ex(listener.getsockname())
    return f"http://127.0.0.1:{listener.getsockname()[1]}/"


def address_that_is_refused(scene: Scene) -> str:
    scene.settings.POSTBACKS_ALLOWED_NETWORKS = []
    return scene.raw().url


def port_that_is_refused(scene: Scene) -> str:
    scene.settings.POSTBACKS_ALLOWED_PORTS = [range(443, 444)]
    return scene.raw().url


def proxy_that_refuses(scene: Scene) -> str:
    proxy = scene.stack.enter_context(closing(Proxy(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")))
    scene.settings.POSTBACKS_EGRESS_PROXY = proxy.url
    return "https://partner.example/in"


def proxy_out_of_reach(scene: Scene) -> str:
    scene.settings.POSTBACKS_EGRESS_PROXY = SecretText(f"http://127.0.0.1:{scene.unheard()}")
    return "http://partner.example/in"


def bug(scene: Scene) -> str:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    scene.patch.setattr(Call, "prepare", broken)
    return "http://partner.example/in"


WAYS: dict[str, tuple[Callable[[Scene], str], Code, str]] = {
    "unknown name": (lambda _: "http://receiver.invalid/", Code.DNS, "The host name could not be resolved."),
    "nobody listens": (nobody_listens, Code.REFUSED, "The connection was refused or the host could not be reached."),
    "no connection in time": (no_connection_in_time, Code.CONNECT_TIMEOUT, "No connection could be made in time."),
    "no TLS": (lambda scene: scene.raw().url.replace("http:", "https:"), Code.TLS, "The TLS handshake failed."),
    "no answer in time": (lambda scene: scene.receiver(Hang()).url, Code.TIMEOUT, "The server did not answer in time."),
    "hangs up": (
        lambda scene: scene.receiver(Close()).url,
        Code.BROKEN,
        "The server closed the connection without an answer.",
    ),
    "no HTTP": (lambda scene: scene.raw().url, Code.BAD_ANSWER, "The answer was not HTTP."),
    "address": (address_that_is_refused, Code.ADDRESS, "127.0.0.1 is a loopback address, and only public addresses"),
    "port": (port_that_is_refused, Code.PORT, "is not called (POSTBACKS_ALLOWED_PORTS lists 443)"),
    "proxy refuses": (proxy_that_refuses, Code.PROXY, "The egress proxy refused the connection, with status 403."),
    "no proxy": (proxy_out_of_reach, Code.PROXY, "The egress proxy (POSTBACKS_EGRESS_PROXY) could not be reached."),
    "invalid URL": (lambda _: "http://a b/", Code.INVALID_URL, "The URL is malformed."),
    "bug": (bug, Code.INTERNAL, "The request could not be sent because of an internal error: RuntimeError('a bug')"),
}
HOLDS = {Code.DNS, Code.REFUSED, Code.CONNECT_TIMEOUT, Code.TLS, Code.TIMEOUT, Code.BROKEN, Code.BAD_ANSWER}


@pytest.fixture
def scene(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    settings.POSTBACKS_ALLOWED_NETWORKS = [IPv4Network("127.0.0.0/8")]
    settings.POSTBACKS_CONNECT_TIMEOUT = settings.POSTBACKS_RESPONSE_TIMEOUT = 0.3
    client.flushdb()
    with ExitStack() as stack:
        yield Scene(settings, monkeypatch, stack)


@pytest.fixture
def send() -> Iterator[Callable[[list[Prepared]], None]]:
    """Sends, judges and records, as the engine does, and waits until all of it is done."""
    recorded: list[Judged] = []
    recorder = Recorder(OWNER, lambda batch, _: recorded.extend(batch))

    def on_sent(sent: Sent) -> None:
        recorder.put(Judged(sent.prepared.claimed, judge(sent), sent, sent.prepared.probe))

    sender = Sender(on_sent, lambda _: None)
    recorder.start()
    sender.start()
    assert recorder.wait_healthy(5)

    def all_of(ones: list[Prepared]) -> None:
        sender.put(ones)
        wait_until(lambda: len(recorded) == len(ones), 30, "all are recorded")

    yield all_of
    sender.stop(0)
    recorder.stop(5)


@pytest.mark.parametrize("way", WAYS)
def test_each_failure_is_recorded_counted_and_holds_only_if_the_destination_is_down(
    scene: Scene, send: Callable[[list[Prepared]], None], way: str
) -> None:
    fail, code, text = WAYS[way]
    lane = make_lane()
    url = fail(scene)
    send([prepared(claimed(make_held(lane)), url) for _ in range(ATTEMPTS)])

    reasons = set(Attempt.objects.values_list("reason", flat=True))
    assert len(reasons) == 1
    assert text in reasons.pop()
    fold()
    details = Rollup.objects.get(period="ever", postback_key=lane.pk).details
    assert {name: count for name, count in details.items() if name.startswith("why:")} == {f"why:{code}": ATTEMPTS}
    state = "failed" if code is Code.INVALID_URL else "ready"
    assert Delivery.objects.filter(state=state, attempts_made=1).count() == ATTEMPTS
    if code in HOLDS:
        assert Lane.objects.get().held_since is not None
    else:
        assert not Lane.objects.exists(), "nothing was learnt"


# Probes, by the whole engine.


def hold(postback: Postback) -> Lane:
    """Held for an hour; the next probe is due."""
    now = timezone.now()
    return Lane.objects.create(
        postback=postback,
        failures=10,
        failed_actions=[1, 2, 3],
        held_since=now - timedelta(hours=1),
        probe_at=now,
        probe_wait_seconds=80,
    )


def drain_until(engine: Engine, condition: Callable[[], object], what: str) -> None:
    """Drains again and again, as the messages that a drain posts would have it: one may end before all is done."""

    def drained() -> object:
        engine.drain()
        return condition()

    wait_until(drained, 5, what)


def test_a_probe_that_never_got_there_frees_the_next_at_the_same_interval(scene: Scene, engine: Engine) -> None:
    postback = make_lane(url=address_that_is_refused(scene))
    lane = hold(postback)
    made = [make_delivery(postback) for _ in range(3)]
    ready_queue.wake({postback.pk: 0.0})
    drain_until(engine, Attempt.objects.exists, "the probe is recorded")
    wait_until(lambda: engine.capacity.total == 0, 5, "and learnt from")
    after = Lane.objects.get()
    assert after.probe_at is not None
    assert 70 < (after.probe_at - timezone.now()).total_seconds() <= 80
    assert (after.probe_wait_seconds, after.held_since) == (80, lane.held_since)
    assert (after.failures, after.failed_actions, after.notice) == (10, [1, 2, 3], "")
    assert Attempt.objects.count() == 1, "the others wait"
    assert Delivery.objects.filter(state="ready").count() == len(made)


@pytest.mark.usefixtures("scene")
def test_a_probe_that_cannot_be_built_leaves_its_turn_to_the_next_delivery(engine: Engine) -> None:
    with ScriptedReceiver() as receiver:
        postback = make_lane(url=receiver.url, headers="X-Status: {StatusDetail}")
        hold(postback)
        bad, good = make_delivery(postback, due_in_seconds=-9), make_delivery(postback)
        bad.event.parameters["StatusDetail"] = "one\nX-Other: two"
        bad.event.save()
        ready_queue.wake({postback.pk: 0.0})
        drain_until(engine, lambda: Delivery.objects.get(pk=bad.pk).state == "failed", "the first is given up")
        drain_until(
            engine, lambda: Delivery.objects.get(pk=good.pk).state == "delivered", "the second goes out as the probe"
        )
        assert len(receiver.arrivals) == 1
    assert list(Attempt.objects.values_list("delivery_id", flat=True)) == [good.pk]
    wait_until(lambda: Lane.objects.get().held_since is None, 5, "its answer ends the hold")


@pytest.mark.usefixtures("scene")
def test_a_probe_that_is_given_back_is_taken_again(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that missed its slot, or that its lease would not have outlived."""
    with ScriptedReceiver() as receiver:
        postback = make_lane(url=receiver.url)
        hold(postback)
        make_delivery(postback)
        with monkeypatch.context() as patch:
            patch.setattr(engine._sender, "put", engine._on_unsent)
            ready_queue.wake({postback.pk: 0.0})
            engine.drain()
            wait_until(lambda: engine.capacity.total == 0, 5, "it is given back")
        assert receiver.arrivals == []
        drain_until(engine, Delivery.objects.filter(state="delivered").exists, "it goes out")
