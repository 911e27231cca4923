"""What a process that serves does: accept connections, look after them, and end."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from email.utils import formatdate
from typing import Final, Protocol

from uvicorn.config import Config
from uvicorn.server import ServerState

from front import lean
from front.answering import Send
from front.body import Receive
from front.connection import Connection
from front.heads import Heads
from front.server import MOST_CONNECTIONS
from front.spread import Ends, Spread
from front.turns import Turns

logger = logging.getLogger(__name__)

# So long a process leaves new connections to others, while it has a batch or it is not its turn. One that is free is
# there in a tenth of that; where nobody is, it is little of what an answer takes.
LEFT_SECONDS: Final = 0.001
_LOOK_SECONDS: Final = 1.0
_END_LOOK_SECONDS: Final = 0.02


class Application(Protocol):
    """An ASGI application that is started and stopped."""

    reports: lean.Lean | None
    connection: type[Connection]

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def __call__(self, scope: dict[str, object], receive: Receive, send: Send) -> None: ...


async def serve(
    application: Application, listening: socket.socket, batches: Ends | None = None, number: int = 1
) -> None:
    """Serve the connections that come there until a signal to stop, as that process of several; the first is 1.

    `batches` is the queue of those passed on.
    """
    await Serving(application, listening, batches, number).serve()


class Serving:
    """One process. Made on its event loop."""

    def __init__(
        self, application: Application, listening: socket.socket, batches: Ends | None = None, number: int = 1
    ) -> None:
        self._application = application
        self._listening = listening
        self._spread = Spread(batches)
        self._turns = Turns(number)
        self._loop = asyncio.get_running_loop()
        self._state = ServerState()
        self._heads = Heads()
        self._is_accepting = False
        self._is_ending = asyncio.Event()
        self._new: set[asyncio.Task[object]] = set()
        # Who it is that proxies name, Django decides.
        self._config = Config(
            application, http="httptools", ws="none", lifespan="off", interface="asgi3", log_config=None,
            access_log=False, proxy_headers=False,
        )  # fmt: skip
        self._config.load()

    async def serve(self) -> None:
        """Until SIGTERM or SIGINT; then what has been begun is finished."""
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._is_ending.set)
        await self._application.start()
        self._listening.setblocking(False)
        looking = self._loop.create_task(self._look())
        self._note_connections()
        self._accept_more(is_more=True)
        self._spread.start(self._adopt)
        await self._is_ending.wait()
        self._accept_more(is_more=False)
        self._spread.stop()
        self._listening.close()
        await self._finish()
        looking.cancel()
        await self._application.stop()

    async def _finish(self) -> None:
        while self._state.connections or self._state.tasks or self._new:
            for each in list(self._state.connections):
                each.shutdown()
            await asyncio.sleep(_END_LOOK_SECONDS)

    def _accept_more(self, *, is_more: bool) -> None:
        if is_more and not self._is_accepting and not self._is_ending.is_set():
            self._loop.add_reader(self._listening, self._accept)
        elif not is_more and self._is_accepting:
            self._loop.remove_reader(self._listening)
        self._is_accepting = is_more

    def _accept(self) -> None:
        """Accept connections as long as it is this process's turn; without turns one, so that others have their share.

        A process that has a batch leaves it to one that has none: there it is answered sooner.
        """
        if self._spread.is_busy or not self._turns.is_own():
            self._accept_more(is_more=False)
            self._loop.call_later(LEFT_SECONDS, self._accept_left, self._turns.taken_by_others())
        else:
            while self._accept_one() and self._turns.are_known and self._turns.is_own():
                pass

    def _accept_left(self, taken_before: int) -> None:
        """Accept one if no other process does: it may be busy, or gone."""
        if not self._is_ending.is_set():
            self._accept_more(is_more=True)  # Unless there is no room for one.
            if self._turns.taken_by_others() == taken_before:
                self._accept_one()

    def _accept_one(self) -> bool:
        """Whether there was one, and there may be more."""
        if self._connections >= MOST_CONNECTIONS:
            self._accept_more(is_more=False)  # Until `_look` finds room.
            return False
        try:
            client, _ = self._listening.accept()
        except (BlockingIOError, InterruptedError, ConnectionError):
            return False  # Another process was faster, or the client has left.
        except OSError as error:
            logger.error("No connection can be accepted: %s", error)  # noqa: TRY400 -- the trace tells nothing more
            self._accept_more(is_more=False)
            return False
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._turns.note_taken()
        self._connect(client)
        return True

    def _adopt(self, client: socket.socket, data: bytes) -> None:
        """Take the connection of a batch that another process has passed on."""
        self._spread.begin(client)  # Until its connection begins it.
        self._connect(client, data).add_done_callback(lambda _: self._spread.end(client))

    def _connect(self, client: socket.socket, passed_on: bytes = b"") -> asyncio.Task[object]:
        def connection() -> Connection:
            reports = self._application.reports
            return self._application.connection(
                self._config,
                self._state,
                self._heads,
                reports,
                spread=self._spread,
                passed_on=passed_on,
                on_lost=self._note_connections,
            )

        client.setblocking(False)
        task = self._loop.create_task(self._loop.connect_accepted_socket(connection, client))
        self._new.add(task)
        task.add_done_callback(self._new.discard)
        self._note_connections()
        return task

    @property
    def _connections(self) -> int:
        return len(self._state.connections) + len(self._new)

    def _note_connections(self) -> None:
        self._turns.note(self._connections)

    async def _look(self) -> None:
        while True:
            date = formatdate(usegmt=True).encode()
            self._state.default_headers = [(b"date", date)]
            now = self._loop.time()
            self._note_connections()
            for each in list(self._state.connections):
                if isinstance(each, Connection):
                    each.look(now)
            if self._connections < MOST_CONNECTIONS:
                self._accept_more(is_more=True)
            await asyncio.sleep(_LOOK_SECONDS)
