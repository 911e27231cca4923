"""Runs the receiver until it is told to stop."""

import asyncio
import contextlib
import errno
import os
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from devtools.receiver.output import Batch, Styles, log_line, shown_refusal, shown_request
from devtools.receiver.parser import BadRequest, Request
from devtools.receiver.server import ReceiverServer, Response
from postbacks.delivery.descriptors import raise_descriptor_limit

# How long lines are collected: short for a watching user, long compared with the cost of a write.
FLUSH_SECONDS = 0.1


class ReceiverError(Exception):
    """The receiver cannot start or continue; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class ReceiverOptions:
    """Where to listen (`port` 0: any free one), how to answer every request, the JSON Lines file to append to, and
    whether to hide the requests."""

    host: str
    port: int
    response: Response
    log: Path | None
    quiet: bool


@dataclass(slots=True)
class _Recorder:
    """Counts, logs and shows what arrives."""

    response: Response
    log: Batch | None
    console: Batch | None
    style: Styles
    count: int = 0

    def receive(self, request: Request, arrived_at: float) -> Response:
        self.count += 1
        if self.log is not None:
            self.log.add(log_line(request, arrived_at, self.response.status))
        if self.console is not None:
            self.console.add(shown_request(request, self.response.status, self.style))
        return self.response

    def refuse(self, refused: BadRequest) -> None:
        if self.console is not None:
            self.console.add(shown_refusal(refused, self.style))

    def flush(self) -> None:
        for batch in (self.log, self.console):
            if batch is not None:
                batch.flush()


def run(options: ReceiverOptions, write: Callable[[str], None], style: Styles) -> int:
    """Receives until SIGINT or SIGTERM and returns how many requests came. `write` shows text at once. Raises
    `ReceiverError` if the port or the log cannot be opened, or the log can no longer be written."""
    raise_descriptor_limit()
    with contextlib.ExitStack() as stack:
        log = None
        if options.log is not None:
            try:
                # Unbuffered: each write is whole lines, so that not even a kill leaves half of one behind.
                file = stack.enter_context(options.log.open("ab", buffering=0))
            except OSError as problem:
                raise ReceiverError(f"Cannot write the log {options.log}: {problem.strerror}.") from problem
            log = Batch(lambda text: _write_all(file.write, text.encode()))
        recorder = _Recorder(options.response, log, None if options.quiet else Batch(write), style)
        asyncio.run(_receive(options, recorder, write))
    return recorder.count


async def _receive(options: ReceiverOptions, recorder: _Recorder, write: Callable[[str], None]) -> None:
    stopped = asyncio.Event()
    for stop_signal in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(stop_signal, stopped.set)
    server = ReceiverServer(recorder.receive, recorder.refuse)
    try:
        port = await server.start(options.host, options.port)
    except OSError as problem:
        # asyncio wraps the system's reason in its own sentence. A failed name lookup has no system errno, nor, from
        # Python 3.13 on, has an address that is not one of this host.
        number = problem.errno or errno.EADDRNOTAVAIL
        reason = problem.strerror if isinstance(problem, socket.gaierror) else os.strerror(number)
        raise ReceiverError(
            f"Cannot listen on {options.host} port {options.port}: {reason}. "
            "Choose another with --host and --port; --port 0 takes any free one."
        ) from problem
    host = f"[{options.host}]" if ":" in options.host else options.host
    try:
        write(f"Listening on http://{host}:{port}\n")
        while not stopped.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), FLUSH_SECONDS)
            recorder.flush()
    except BrokenPipeError:
        raise  # Whoever read our output has ended; that is no failure.
    except OSError as problem:
        raise ReceiverError(f"Cannot write the requests: {problem.strerror}.") from problem
    finally:
        server.close()
    recorder.flush()


def _write_all(write: Callable[[memoryview], int], data: bytes) -> None:
    remaining = memoryview(data)
    while remaining:
        remaining = remaining[write(remaining) :]
