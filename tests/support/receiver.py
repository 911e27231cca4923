"""A receiver that does what a test scripts, on a real socket, in a thread of the test.

def script(arrival: Arrival) -> Answer:
    return Response(503) if arrival.query["Attempt"] == "1" else Response()

with ScriptedReceiver(script) as receiver:
    ...
    first, second = receiver.wait_for(2, timeout=10)
"""

import asyncio
import errno
import random
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Condition, Thread
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, urlsplit

from devtools.receiver.parser import Request
from devtools.receiver.server import Answer, Close, Hang, ReceiverServer, Response
from tests.support.patience import PATIENCE

__all__ = ["Answer", "Arrival", "Close", "Hang", "Response", "ScriptedReceiver", "in_turn"]

# Below the range from which Linux takes the ports of outgoing connections: a client that keeps calling a port of that
# range while nobody listens there ends up connected to itself, and a restart could find the port taken.
_PORTS = range(20_000, 32_000)
_PORT_TRIES = 50
_START_STOP_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request as received; `t` is the `time.monotonic()` of its last byte, comparable between processes."""

    t: float
    method: str
    url: str
    headers: dict[str, str]
    raw_body: bytes

    @property
    def body(self) -> str:
        return self.raw_body.decode(errors="replace")

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def query(self) -> dict[str, str]:
        """The decoded parameters of the URL; of a repeated one the last."""
        return dict(parse_qsl(urlsplit(self.url).query, keep_blank_values=True))


Script = Callable[[Arrival], Answer]


def in_turn(answers: Iterable[Answer]) -> Script:
    """A script that gives one answer after the other and then 200 OK for ever."""
    remaining = iter(answers)
    return lambda _arrival: next(remaining, Response())


class ScriptedReceiver:
    """Answers as `script` says (200 OK by default) and keeps all arrivals. May be stopped, which cuts all connections,
    and started again on the same port. The script runs in the receiver's thread; an exception in it fails the test."""

    def __init__(self, script: Script = lambda _arrival: Response(), host: str = "127.0.0.1") -> None:
        self.script = script
        self.host = host
        self.port = 0
        self._arrivals: list[Arrival] = []
        self._arrived = Condition()
        self._failure: Exception | None = None
        self._thread: Thread | None = None
        self._loop: asyncio.AbstractEventLoop
        self._stopping: asyncio.Event

    @property
    def url(self) -> str:
        """Scheme, host and port, without a slash at the end."""
        return f"http://{self.host}:{self.port}"

    @property
    def arrivals(self) -> list[Arrival]:
        """All so far, in the order of their arrival, as a list of its own."""
        with self._arrived:
            return list(self._arrivals)

    def wait_for(self, count: int, timeout: float = 10.0) -> list[Arrival]:
        """All arrivals once there are at least `count`; fails the test if they do not come in time, see `patience`."""
        with self._arrived:
            complete = self._arrived.wait_for(lambda: self._failure or len(self._arrivals) >= count, PATIENCE * timeout)
            self._raise_failure()
            last = [f"{arrival.method} {arrival.url}" for arrival in self._arrivals[-5:]]
            assert complete, f"{len(self._arrivals)} of {count} requests came in time; the last: {last}"
            return list(self._arrivals)

    def start(self) -> None:
        assert self._thread is None, "the receiver is running"
        listening: Future[int] = Future()
        self._thread = Thread(target=lambda: asyncio.run(self._serve(listening)), name="receiver", daemon=True)
        self._thread.start()
        self.port = listening.result(_START_STOP_SECONDS)

    def stop(self) -> None:
        assert self._thread is not None, "the receiver is not running"
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(_START_STOP_SECONDS)
        assert not self._thread.is_alive(), "the receiver does not stop"
        self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _exception: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._thread is not None:
            self.stop()
        if kind is None:
            self._raise_failure()

    async def _serve(self, listening: "Future[int]") -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        server = ReceiverServer(self._receive)
        try:
            port = await self._listen(server)
        except Exception as problem:  # noqa: BLE001 - whatever it is belongs to the thread that called start().
            listening.set_exception(problem)
            return
        listening.set_result(port)
        await self._stopping.wait()
        server.close()

    async def _listen(self, server: ReceiverServer) -> int:
        if self.port:
            return await server.start(self.host, self.port)
        for port in random.sample(_PORTS, _PORT_TRIES):
            try:
                return await server.start(self.host, port)
            except OSError as problem:
                if problem.errno != errno.EADDRINUSE:
                    raise
        raise RuntimeError(f"none of {_PORT_TRIES} ports was free")

    def _receive(self, request: Request, arrived_at: float) -> Answer:
        arrival = Arrival(arrived_at, request.method, request.url, request.headers, request.body)
        with self._arrived:
            self._arrivals.append(arrival)
            self._arrived.notify_all()
        try:
            return self.script(arrival)
        except Exception as problem:  # noqa: BLE001 - a mistake of the test: raised where the test waits.
            with self._arrived:
                self._failure = problem
                self._arrived.notify_all()
            return Response(500, "the script of the test failed")

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise AssertionError("the script of the receiver failed") from self._failure
