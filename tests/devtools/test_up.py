"""`manage.py up` as a real process: what it serves, how it stops, and what a kill leaves behind.

tests/deployment/test_wheel.py has its demo, which Ctrl-C ends.
"""

import fcntl
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import requests

from devtools.demo import mark
from environment.variables import BASE_DIR
from tests.support.copies import Copy, free_port, kill, wait_until
from tests.support.patience import PATIENCE


class Up:
    """A running `manage.py up` on its own data and port."""

    def __init__(self, copy: Copy, output: Path, *options: str) -> None:
        self.copy = copy
        self.port = free_port()
        self._output = output
        with output.open("w") as file:
            self.process = subprocess.Popen(
                copy.command("manage.py", "up", *options),
                cwd=BASE_DIR,
                env=copy.environment(PORT=str(self.port), WORKER_CONCURRENCY="1"),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/admin/"

    @property
    def output(self) -> str:
        return self._output.read_text()

    def wait_for(self, text: str) -> None:
        def said() -> bool:
            assert self.process.poll() is None, self.output
            return text in self.output

        wait_until(said, f"{text!r} is said")

    def answers(self) -> bool:
        try:
            return requests.get(self.url, timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def pid_in(self, name: str) -> int:
        return int((self.copy.data_dir / "run" / name).read_text())

    def stop(self, number: signal.Signals) -> None:
        self.process.send_signal(number)
        assert self.process.wait(PATIENCE * 30) == 0, self.output
        assert self.copy.processes() == []


# The port is open before the web has been loaded, which can take long on a busy machine.
PATIENCE_SECONDS = 60

RUNS = "Partner Postbacks is running"
StartUp = Callable[..., Up]


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Copy]:
    made = Copy((tmp_path / "with blank" / "var").resolve())
    yield made
    made.kill_everything()


@dataclass(frozen=True)
class FirstStart:
    """What was seen of a start on an empty folder, before SIGHUP ended it."""

    data_dir: Path
    password: str
    signs_in: bool
    style: requests.Response


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FirstStart]:
    folder = tmp_path_factory.mktemp("first")
    copy = Copy((folder / "with blank" / "var").resolve())
    up = Up(copy, folder / "output.txt")
    try:
        up.wait_for(RUNS)
        said = re.search(r"Sign in as admin with the password (\S+)", up.output)
        assert said is not None, up.output
        style = requests.get(up.url.replace("/admin/", "/static/admin/css/base.css"), timeout=PATIENCE_SECONDS)
        seen = FirstStart(copy.data_dir, said[1], sign_in(up, said[1]), style)
        up.stop(signal.SIGHUP)
        yield seen
    finally:
        up.process.kill()
        up.process.wait()
        copy.kill_everything()


@pytest.fixture
def earlier_data(copy: Copy, first: FirstStart) -> None:
    """The copy begins with those of the first start: making them anew takes a processor eight seconds."""
    shutil.copytree(first.data_dir, copy.data_dir, symlinks=True, ignore=shutil.ignore_patterns("run"))


@pytest.fixture
def start_up(copy: Copy, tmp_path: Path) -> Iterator[StartUp]:
    started: list[Up] = []

    def start(*options: str) -> Up:
        started.append(Up(copy, tmp_path / f"output-{len(started)}.txt", *options))
        started[-1].wait_for(RUNS)
        return started[-1]

    yield start
    for up in started:
        up.process.kill()
        up.process.wait()


def sign_in(up: Up, password: str) -> bool:
    session = requests.Session()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', session.get(up.url, timeout=PATIENCE_SECONDS).text)
    assert token is not None
    form = {"csrfmiddlewaretoken": token[1], "username": "admin", "password": password, "next": "/admin/"}
    page = session.post(f"{up.url}login/", data=form, headers={"Referer": up.url}, timeout=PATIENCE_SECONDS)
    return page.status_code == 200 and "Sign out" in page.text


def test_the_first_start_says_how_to_sign_in(first: FirstStart) -> None:
    assert first.signs_in
    kept = first.data_dir / "admin-password"
    assert kept.read_text().strip() == first.password
    assert kept.stat().st_mode & 0o777 == 0o600
    assert (first.style.status_code, first.style.headers["Content-Type"]) == (200, 'text/css; charset="utf-8"')


@pytest.mark.usefixtures("earlier_data")
def test_a_demo_that_is_killed_leaves_no_permission_and_nothing_that_runs(start_up: StartUp) -> None:
    up = start_up("--demo")
    up.wait_for("receiver  |")
    assert mark.is_running(up.copy.data_dir)
    kill(psutil.Process(up.process.pid))
    assert not mark.is_running(up.copy.data_dir)
    wait_until(lambda: up.copy.processes() == [], "the keeper ends all programs and servers")


def test_a_second_up_on_the_same_data_is_refused(copy: Copy) -> None:
    lock = copy.data_dir / "run" / "up.lock"
    lock.parent.mkdir(parents=True)
    with lock.open("w") as first:
        fcntl.flock(first, fcntl.LOCK_EX)  # As the first one does for as long as it runs.
        code, output = copy.run("manage.py", "up", PORT=str(free_port()))
    assert code == 1
    assert "is already running" in output
    assert "POSTBACKS_DATA_DIR" in output
    assert copy.processes() == []


def test_a_port_that_is_taken_is_named_before_anything_starts(copy: Copy) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, output = copy.run("manage.py", "up", PORT=str(port))
    assert code == 1
    assert f"port {port}" in output
    assert "PORT=" in output
    assert "Traceback" not in output
    assert copy.processes() == []
    assert not (copy.data_dir / "postgres").exists()


@pytest.mark.usefixtures("earlier_data")
def test_the_second_start_keeps_the_data_and_whatever_is_killed_comes_back(
    first: FirstStart, start_up: StartUp
) -> None:
    up = start_up()
    assert first.password not in up.output
    assert sign_in(up, first.password)
    up.wait_for("ready.")
    for word in (" front ", " worker ", " beat ", "devtools.up.keeper"):
        (killed,) = children_of_supervisord(up, word)
        kill(psutil.Process(killed))
        wait_until(lambda: children_of_supervisord(up, word) - {killed}, f"{word} comes back")  # noqa: B023 -- at once

    services = psutil.Process(up.pid_in("services.pid"))
    kill(services)
    wait_until(lambda: up.pid_in("services.pid") != services.pid and up.answers(), "the servers come back")

    group = psutil.Process(up.pid_in("up.pid"))
    kill(group)
    up.wait_for("starting it again")
    wait_until(lambda: up.pid_in("up.pid") != group.pid and up.answers(), "the programs come back")
    up.stop(signal.SIGINT)


def children_of_supervisord(up: Up, word: str) -> set[int]:
    """Return the process numbers of the programs, without their own children, with `word` in the command line."""
    children = {child.pid for child in psutil.Process(up.pid_in("up.pid")).children()}
    return children & {process.pid for process in up.copy.named(word)}


@pytest.mark.usefixtures("earlier_data")
def test_the_next_start_clears_away_what_was_orphaned(copy: Copy, start_up: StartUp) -> None:
    up = start_up()
    supervisord, keeper = psutil.Process(up.pid_in("up.pid")), copy.named("devtools.up.keeper")[0]
    for process in (psutil.Process(up.process.pid), supervisord, keeper):
        kill(process)
    orphans = copy.named(" front ")
    assert orphans, "the web runs on with nobody to stop it"

    again = start_up()
    assert "Stopped programs that an earlier start had left running." in again.output
    wait_until(again.answers, "the web answers")
    assert not set(orphans) & set(copy.named(" front "))
    again.stop(signal.SIGTERM)
