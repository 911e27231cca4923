"""The examples of the receiver's guide run: they tell our requests from others, and store each delivery once."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import pytest

from environment.variables import BASE_DIR
from portal.guide import text
from postbacks.credentials.signing.signer import SIGNATURE, TIMESTAMP, Signer, SigningKey, new_key
from tests.support.patience import wait_until
from tests.support.processes import killed_afterwards
from value_types.secret_text import SecretText

pytestmark = [pytest.mark.worker, pytest.mark.timeout(120)]

EXAMPLES: dict[str, str] = dict(re.findall(r"<!-- runs: (\w+) -->\n```\w+\n(.*?)```", text(), re.DOTALL))
KEY = new_key()
BODY = b'{"OrderId":"A-1","Note":"a  b\\u00e9"}'
FILES = {
    "node": "receiver.mjs",
    "php": "receiver.php",
    "go": "receiver.go",
    "ruby": "receiver.ru",
    "java": "Receiver.java",
}


@dataclass(frozen=True)
class Receiver:
    """A program that listens, and where it stores."""

    port: int
    inbox: Path

    def ask(self, headers: dict[str, str], body: bytes = BODY, method: str = "POST") -> int:
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            connection.request(method, "/?order=A-1", body, {"Content-Type": "application/json", **headers})
            response = connection.getresponse()
            response.read()
            return response.status

    def stored(self) -> dict[str, bytes]:
        return {file.name: file.read_bytes() for file in self.inbox.iterdir()}


def _python(framework: str) -> Callable[[Path, int], list[str]]:
    def command(folder: Path, _port: int) -> list[str]:
        (folder / "postback.py").write_text(EXAMPLES["python"], encoding="utf-8")
        (folder / "receiver.py").write_text(EXAMPLES[framework], encoding="utf-8")
        return [sys.executable, "receiver.py"]

    return command


def _node(folder: Path, _port: int) -> list[str]:
    """Node finds packages only beside the file: those that npm or Debian installed for all are linked there."""
    npm = shutil.which("npm")
    installed = subprocess.run([npm, "root", "-g"], capture_output=True, text=True, check=True) if npm else None
    for modules in [installed.stdout.strip() if installed else "", "/usr/share/nodejs"]:
        if modules and Path(modules, "express").exists():
            (folder / "node_modules").symlink_to(modules)
            return [_needed("node"), "receiver.mjs"]
    pytest.skip("Express is not installed: npm install -g express")


def _php(_folder: Path, port: int) -> list[str]:
    return [_needed("php"), "-S", f"127.0.0.1:{port}", "receiver.php"]


def _go(folder: Path, _port: int) -> list[str]:
    # Built before anybody waits for it: without a cache it takes a minute, beside other tests more.
    build = [_needed("go"), "build", "-o", "receiver", "receiver.go"]
    subprocess.run(build, cwd=folder, env=_shell(), check=True)
    return ["./receiver"]


def _ruby(_folder: Path, port: int) -> list[str]:
    return [_needed("rackup"), "--server", "webrick", "--host", "127.0.0.1", "--port", str(port), "receiver.ru"]


def _java(_folder: Path, _port: int) -> list[str]:
    # As a file of source it needs a compiler, which a runtime alone has not.
    _needed("javac")
    return [_needed("java"), "-XX:TieredStopAtLevel=1", "Receiver.java"]


COMMANDS = {
    **{framework: _python(framework) for framework in ("flask", "django", "fastapi")},
    "node": _node,
    "php": _php,
    "go": _go,
    "ruby": _ruby,
    "java": _java,
}


def _needed(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed.")
    return found


@contextmanager
def _running(name: str, folder: Path) -> Iterator[Receiver]:
    if name in FILES:
        (folder / FILES[name]).write_text(EXAMPLES[name], encoding="utf-8")
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    command = COMMANDS[name](folder, port)
    environment = {**_shell(), "PORT": str(port), "WEBHOOK_KEY": KEY}
    log = folder / "log"
    with log.open("wb") as output:
        program = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    with _with_children(program):
        wait_until(lambda: _listens(port) or program.poll() is not None, 15, f"{name} listens")
        assert program.poll() is None, log.read_text(encoding="utf-8")
        yield Receiver(port, folder / "inbox")


@contextmanager
def _with_children(program: subprocess.Popen[bytes]) -> Iterator[None]:
    """Some start the real program as a child; all of its group end together."""
    with killed_afterwards(program):
        try:
            yield
        finally:
            os.killpg(program.pid, signal.SIGKILL)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _shell() -> dict[str, str]:
    """What a shell holds: compilers keep their caches in HOME."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}


def _signed(known: str, body: bytes = BODY, *keys: SecretText, now: float | None = None) -> dict[str, str]:
    return Signer([SigningKey(key) for key in keys or (KEY,)]).sign(known, body, now)


def test_each_example_is_run() -> None:
    assert set(EXAMPLES) == {*COMMANDS, "python"}


@pytest.mark.parametrize("name", COMMANDS)
def test_an_example_takes_ours_once_and_nobody_elses(name: str, tmp_path: Path) -> None:
    with _running(name, tmp_path) as receiver:
        first = _signed("d-1")
        assert receiver.ask(first) == 200
        assert receiver.ask(first) == 200, "a repeat is answered as the first was"
        assert receiver.ask(_signed("d-1", now=time.time() - 60)) == 200, "another attempt"
        assert receiver.ask(_signed("d-2", b"", *[KEY]), b"", "GET") == 200
        assert receiver.ask(_signed("d-3", BODY, new_key(), KEY)) == 200, "while a key is replaced"
        assert receiver.stored() == {"d-1": BODY, "d-2": b"", "d-3": BODY}

        late = _signed("d-9", now=time.time() - 3600)
        assert receiver.ask(late) == 401, "an old request, made again"
        assert receiver.ask({**late, TIMESTAMP: str(int(time.time()))}) == 401, "its time is signed too"
        assert receiver.ask({**late, TIMESTAMP: "soon"}) == 401
        assert receiver.ask(_signed("d-9", now=time.time() + 3600)) == 401
        assert receiver.ask(_signed("d-9", BODY, new_key())) == 401, "another key"
        assert receiver.ask(_signed("d-9"), BODY.replace(b"  ", b" ")) == 401, "another body"
        assert receiver.ask({**_signed("d-9"), SIGNATURE: "v1, v1,AAAA é"}) == 401
        assert receiver.ask({}) == 401
        assert set(receiver.stored()) == {"d-1", "d-2", "d-3"}, "nothing half written is left either"


def test_docs_hold_the_guide_as_the_portal_shows_it() -> None:
    committed = (BASE_DIR / "docs" / "receivers.md").read_text(encoding="utf-8")
    assert committed == text(), "Renew it by: manage.py receiver_guide > docs/receivers.md"
