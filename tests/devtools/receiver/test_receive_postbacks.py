import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests
from django.core.management import CommandError, call_command

from environment.variables import BASE_DIR
from tests.support import programs
from tests.support.patience import PATIENCE


@dataclass
class Running:
    process: subprocess.Popen[str]
    first_line: str

    @property
    def url(self) -> str:
        return self.first_line.removeprefix("Listening on ").rstrip("\n")

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def end(self, with_signal: signal.Signals = signal.SIGTERM) -> str:
        """Ends the command and returns what it has printed since its first line."""
        self.process.send_signal(with_signal)
        printed, _ = self.process.communicate(timeout=PATIENCE * 10)
        return printed


def command(*arguments: str) -> list[str]:
    return [sys.executable, "manage.py", "receive_postbacks", *arguments]


@contextmanager
def receiver(*arguments: str) -> Iterator[Running]:
    """The command with these arguments and a free port. Neither database nor Redis can be reached."""
    environment = os.environ | {
        "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        # Must be set together with a database of one's own.
        "SECRET_KEY": "of the tests, and long enough to be no invitation to guess it",
        "POSTBACKS_ENCRYPTION_KEYS": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    }
    process = programs.start(
        command("--port", "0", *arguments),
        cwd=BASE_DIR,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield Running(process, process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def logged(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def logged_when(path: Path, count: int) -> list[dict[str, Any]]:
    deadline = time.monotonic() + 20
    while (lines := path.read_bytes().count(b"\n")) < count:
        assert time.monotonic() < deadline, f"{lines} of {count} lines in the log"
        time.sleep(0.01)
    return logged(path)


def test_each_request_is_shown_decoded_and_logged_as_it_was_received(tmp_path: Path) -> None:
    log = tmp_path / "arrivals.jsonl"
    with receiver("--log", str(log)) as running:
        assert re.fullmatch(r"Listening on http://127\.0\.0\.1:\d+\n", running.first_line)
        before = time.monotonic()
        answer = requests.get(f"{running.url}/in?sub=dc%7Cbanner%267&city=S%C3%A3o+Paulo", timeout=60)
        requests.post(f"{running.url}/app", json={"payout": 33.99}, headers={"X-Source": "harbor"}, timeout=60)
        requests.post(f"{running.url}/form", data={"a": "1 2", "b": "é"}, timeout=60)
        after = time.monotonic()
        lines = logged_when(log, 3)
        printed = running.end()
        assert running.process.returncode == 0
    assert (answer.status_code, answer.text) == (200, "OK")
    first, second, _ = lines
    assert set(first) == {"t", "at", "method", "url", "headers", "body", "status"}
    assert (first["method"], first["url"]) == ("GET", "/in?sub=dc%7Cbanner%267&city=S%C3%A3o+Paulo")
    assert (first["body"], first["status"]) == ("", 200)
    assert (second["method"], second["body"], second["headers"]["X-Source"]) == ("POST", '{"payout": 33.99}', "harbor")
    times = [line["t"] for line in lines]
    assert before < times[0] < times[1] < times[2] < after
    assert abs(datetime.fromisoformat(first["at"]) - datetime.now(UTC)) < timedelta(minutes=1)
    assert [re.sub(r"^\d\d:\d\d:\d\d\.\d{3}", "TIME", line) for line in printed.splitlines()] == [
        "TIME  GET /in?sub=dc%7Cbanner%267&city=S%C3%A3o+Paulo  → 200",
        "    sub=dc|banner&7  city=São Paulo",
        "TIME  POST /app  → 200",
        '    {"payout": 33.99}',
        "TIME  POST /form  → 200",
        "    a=1 2  b=é",
        "Received 3 requests.",
    ]


def test_what_arrives_cannot_steer_the_terminal() -> None:
    with receiver() as running:
        requests.post(f"{running.url}/?x=%1B%5B2J", data=b"\x1b[2Jboo\x9b\xff", timeout=60)
        printed = running.end()
    assert "\x1b" not in printed
    assert "\x9b" not in printed
    assert "x=·[2J" in printed
    assert "·[2Jboo" in printed


def test_every_request_gets_the_answer_that_was_asked_for(tmp_path: Path) -> None:
    log = tmp_path / "arrivals.jsonl"
    with receiver("--status", "503", "--body", "denied: é", "--log", str(log)) as running:
        for _ in range(2):
            answer = requests.get(running.url, timeout=60)
            assert (answer.status_code, answer.content) == (503, "denied: é".encode())
        assert [line["status"] for line in logged_when(log, 2)] == [503, 503]


def test_the_delay_counts_for_each_request_by_itself() -> None:
    with receiver("--delay", "0.4", "--quiet") as running:
        connections = [socket.create_connection(("127.0.0.1", running.port), timeout=60) for _ in range(20)]
        started = time.monotonic()
        for connection in connections:
            connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        for connection in connections:
            assert connection.recv(4096).startswith(b"HTTP/1.1 200 OK")
            connection.close()
        took = time.monotonic() - started
    assert 0.4 <= took < 8, "twenty delays one after the other would take 8 s"


def test_quiet_shows_the_start_and_the_count_and_nothing_between() -> None:
    with receiver("--quiet") as running:
        requests.get(f"{running.url}/in", timeout=60)
        assert running.end(signal.SIGINT) == "Received 1 request.\n"
        assert running.process.returncode == 0


def test_quiet_takes_ten_thousand_requests_and_logs_each(tmp_path: Path) -> None:
    log = tmp_path / "arrivals.jsonl"
    request = (
        b"GET /in?cid=1000&aid=1000.2001.158133&amt=460.93 HTTP/1.1\r\nHost: a.example\r\nX-Source: harbor\r\n\r\n"
    )
    with receiver("--quiet", "--log", str(log)) as running:
        connections = [socket.create_connection(("127.0.0.1", running.port), timeout=60) for _ in range(50)]
        for _ in range(200):
            for connection in connections:
                connection.sendall(request)
            for connection in connections:
                assert connection.recv(4096).endswith(b"\r\n\r\nOK")
        for connection in connections:
            connection.close()
        assert running.end() == "Received 10000 requests.\n"
    assert len(logged(log)) == 10_000


def test_a_kill_leaves_whole_lines_and_the_next_start_appends(tmp_path: Path) -> None:
    log = tmp_path / "arrivals.jsonl"
    with receiver("--quiet", "--log", str(log)) as running:
        with closing(socket.create_connection(("127.0.0.1", running.port), timeout=60)) as connection:
            for _ in range(20):
                connection.sendall(b"GET /first HTTP/1.1\r\n\r\n" * 100)
        logged_when(log, 1)
        running.end(signal.SIGKILL)
    kept = len(logged(log))
    assert log.read_bytes().endswith(b"\n")
    with receiver("--quiet", "--log", str(log)) as running:
        requests.get(f"{running.url}/second", timeout=60)
        running.end()
    lines = logged(log)
    assert len(lines) == kept + 1
    assert lines[-1]["url"] == "/second"


def test_a_port_already_taken_is_an_error_with_exit_code_1() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = str(other.getsockname()[1])
        result = programs.run(
            command("--port", port), cwd=BASE_DIR, capture_output=True, text=True, check=False, timeout=30
        )
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.strip() == (
        f"Error: Cannot listen on 127.0.0.1 port {port}: Address already in use. "
        "Choose another with --host and --port; --port 0 takes any free one."
    )


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--status", "99"], "--status 99 is not a whole number from 200 to 599."),
        (["--status", "ok"], "--status ok is not a whole number from 200 to 599."),
        (["--delay", "-1"], "--delay -1 is not a number from 0 to 86400."),
        (["--delay", "nan"], "--delay nan is not a number from 0 to 86400."),
        (["--delay", "soon"], "--delay soon is not a number from 0 to 86400."),
        (["--port", "65536"], "--port 65536 is not a whole number from 0 to 65535."),
        (["--port", "80.5"], "--port 80.5 is not a whole number from 0 to 65535."),
        (["--log", "/nowhere/at/all.jsonl"], "Cannot write the log /nowhere/at/all.jsonl: No such file or directory."),
        (["--log", "/"], "Cannot write the log /: Is a directory."),
        (["--port", "0", "--host", "192.0.2.1"], "Cannot listen on 192.0.2.1 port 0: Cannot assign requested address."),
    ],
)
def test_a_bad_option_is_refused_before_anything_starts(arguments: list[str], problem: str) -> None:
    with pytest.raises(CommandError, match=re.escape(problem)):
        call_command("receive_postbacks", *arguments)
