"""The embedded PostgreSQL and Redis: started once, shared, stopped by the last, recovered after any kill."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from commands.exit_codes import ExitCode
from devtools.embedded import EmbeddedError, postgres, privileges, redis_server
from environment.addresses import socket_dir
from tests.support.copies import Copy, kill, runs, wait_until
from tests.support.patience import PATIENCE

REDIS = str(redis_server.redis_binary())

# Holds the services until TERM, and leaves in order.
HOLD = """
import signal, sys, threading
from devtools import embedded
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
with embedded.services():
    print("ready", flush=True)
    stop.wait()
"""

# By where the servers are: the settings take longer to read than these take to start.
COUNT = """
import psycopg2, redis
from contextlib import closing
from devtools import embedded
from environment.addresses import DATABASE_NAME, DATABASE_USER, redis_socket, socket_dir
with embedded.services():
    place = {"host": str(socket_dir()), "user": DATABASE_USER, "dbname": DATABASE_NAME}
    with closing(psycopg2.connect(**place)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS starts (id serial)")
        cursor.execute("INSERT INTO starts DEFAULT VALUES")
        cursor.execute("SELECT count(*) FROM starts")
        rows = cursor.fetchone()[0]
    print("rows", rows, "redis", redis.Redis(unix_socket_path=str(redis_socket())).incr("starts"))
"""

# As the project does.
COUNT_BY_SETTINGS = """
import django, os
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
django.setup()
import redis
from django.conf import settings
from django.db import connection
from devtools import embedded
with embedded.services():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM starts")
        rows = cursor.fetchone()[0]
    connection.close()
    print("rows", rows, "redis", redis.from_url(settings.REDIS_URL).incr("starts"))
"""


@pytest.fixture
def empty_copy(tmp_path: Path) -> Iterator[Copy]:
    yield from _copy_in(tmp_path / "var")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of a PostgreSQL that was set up by an earlier start, which takes two seconds of a processor."""
    made = Copy((tmp_path_factory.mktemp("cluster") / "var").resolve())
    leave(hold(made))
    return made.data_dir / "postgres"


@pytest.fixture
def copy(empty_copy: Copy, cluster: Path) -> Copy:
    """One that has been started before, with nothing in its database."""
    shutil.copytree(cluster, empty_copy.data_dir / "postgres", symlinks=True)
    return empty_copy


def _copy_in(folder: Path, prefix: list[str] | None = None) -> Iterator[Copy]:
    made = Copy(folder.resolve(), prefix or [])
    yield made
    made.kill_everything()


def hold(copy: Copy) -> subprocess.Popen[str]:
    holder = copy.start("-c", HOLD)
    assert holder.stdout is not None
    said: list[str] = []
    while line := holder.stdout.readline():
        said.append(line)
        if line == "ready\n":
            return holder
    raise AssertionError("".join(said))


def leave(holder: subprocess.Popen[str]) -> None:
    holder.terminate()
    assert holder.wait(PATIENCE * 30) == 0


def test_two_users_share_the_servers_and_the_last_one_stops_them(copy: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTBACKS_DATA_DIR", str(copy.data_dir))
    first = hold(copy)
    servers = [process.pid for process in (*copy.named("bin/postgres"), *copy.named(REDIS))]
    assert len(servers) == 2
    assert socket_dir().stat().st_mode & 0o777 == 0o700
    second = hold(copy)
    leave(first)
    assert [process.pid for process in (*copy.named("bin/postgres"), *copy.named(REDIS))] == servers

    leave(second)
    assert copy.processes() == []
    assert not socket_dir().exists()


def test_a_user_that_is_killed_counts_as_gone(copy: Copy) -> None:
    killed, other = hold(copy), hold(copy)
    killed.kill()
    killed.wait()
    leave(other)
    assert copy.processes() == []


def test_a_path_with_blanks_and_signs_works_and_data_stays(tmp_path: Path) -> None:
    for copy in _copy_in(tmp_path / "it's 50% #1 ;x" / "var"):
        assert "rows 1 redis 1" in copy.run("-c", COUNT)[1]
        assert "rows 1 redis 2" in copy.run("-c", COUNT_BY_SETTINGS)[1]
        assert copy.processes() == []


def test_the_data_of_redis_6_are_read(copy: Copy) -> None:
    folder = copy.data_dir / "redis"
    folder.mkdir(parents=True)
    commands = (("SELECT", "0"), ("SET", "starts", "41"))
    written = "".join(f"*{len(words)}\r\n" + "".join(f"${len(it)}\r\n{it}\r\n" for it in words) for words in commands)
    # One file where later versions have a folder of several.
    (folder / "appendonly.aof").write_bytes(written.encode())
    assert "redis 42" in copy.run("-c", COUNT)[1]


def test_everything_killed_at_once_starts_again_with_its_data(copy: Copy) -> None:
    assert "rows 1 redis 1" in copy.run("-c", COUNT)[1]
    holder = hold(copy)
    copy.kill_everything()
    holder.kill()
    holder.wait()
    code, output = copy.run("-c", COUNT)
    assert (code, "rows 2 redis 2" in output) == (0, True), output


def test_servers_whose_supervisord_was_killed_are_replaced(copy: Copy) -> None:
    holder = hold(copy)
    supervisord = psutil.Process(int((copy.data_dir / "run" / "services.pid").read_text()))
    left_over = [process for process in copy.processes() if process != supervisord]
    kill(supervisord)
    holder.kill()
    holder.wait()
    assert all(runs(process) for process in left_over), "the servers outlive their supervisord"

    leave(hold(copy))
    assert copy.processes() == []
    assert not any(runs(process) for process in left_over)


def test_a_server_that_is_killed_comes_back(copy: Copy) -> None:
    holder = hold(copy)
    for word in ("bin/postgres", REDIS):
        (server,) = copy.named(word)
        kill(server)
    assert "rows 1 redis 1" in copy.run("-c", COUNT)[1]
    leave(holder)
    assert copy.processes() == []


def test_a_number_of_the_last_boot_that_is_now_another_process_does_not_matter(copy: Copy) -> None:
    assert "rows 1" in copy.run("-c", COUNT)[1]
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        (copy.data_dir / "run" / "services.pid").write_text(str(bystander.pid))
        lock = copy.data_dir / "postgres" / "postmaster.pid"
        lock.write_text(f"{bystander.pid}\n{copy.data_dir}/postgres\n1700000000\n5432\n\n\n  1 2\nready\n")
        shutil.chown(lock, (copy.data_dir / "postgres").stat().st_uid)
        assert "rows 2" in copy.run("-c", COUNT)[1]
        assert bystander.poll() is None, "a process that is not ours was stopped"
    finally:
        bystander.kill()


def test_a_first_start_that_was_cut_off_is_made_anew(empty_copy: Copy) -> None:
    half_made = empty_copy.data_dir / "postgres.new"
    half_made.mkdir(parents=True)
    (half_made / "PG_VERSION").write_text("18\n")
    assert "rows 1" in empty_copy.run("-c", COUNT)[1]
    assert not half_made.exists()


def test_only_the_server_without_a_url_is_started(empty_copy: Copy) -> None:
    code, output = empty_copy.run(
        "-c",
        HOLD.replace("stop.wait()", ""),
        DATABASE_URL="postgres://db.example/x",
        SECRET_KEY="of the tests, and long enough to be no invitation to guess it",
        POSTBACKS_ENCRYPTION_KEYS="MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    )
    assert (code, output) == (0, "ready\n")
    assert not (empty_copy.data_dir / "postgres").exists()
    assert (empty_copy.data_dir / "redis").exists()


def test_a_data_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, output = Copy(tmp_path / "file" / "var").run("manage.py", "showmigrations")
    assert code == ExitCode.NOT_SET_UP
    assert "POSTBACKS_DATA_DIR" in output
    assert "Traceback" not in output


def test_a_command_that_needs_no_server_starts_none(empty_copy: Copy) -> None:
    for arguments in (["help"], ["check"], ["migrate", "--help"], ["--version"]):
        assert empty_copy.run("manage.py", *arguments)[0] == 0
    assert not (empty_copy.data_dir / "run").exists()


def test_a_command_on_an_empty_database_says_what_to_do(copy: Copy) -> None:
    code, output = copy.run("manage.py", "createsuperuser", "--noinput", "--username", "x", "--email", "x@example.com")
    assert code == ExitCode.NOT_SET_UP
    assert "manage.py migrate" in output
    assert copy.processes() == []


def test_a_command_that_is_told_to_stop_stops_the_servers(copy: Copy) -> None:
    command = copy.start("manage.py", "shell", "-c", "import time; print('in', flush=True); time.sleep(60)")
    assert command.stdout is not None
    while command.stdout.readline() not in {"in\n", ""}:
        pass
    command.send_signal(signal.SIGTERM)
    assert command.wait(PATIENCE * 30) == 128 + signal.SIGTERM
    wait_until(lambda: copy.processes() == [], "no process is left", 5)


@pytest.mark.skipif(os.getuid() != 0, reason="Only root can become another user; all other tests ran as one.")
class TestAsRoot:
    def test_an_ordinary_user_owns_all_servers(self) -> None:
        nobody = pwd.getpwnam("nobody")
        if not _reached_by(nobody.pw_uid, postgres.postgres_binary("postgres").parent):
            pytest.skip("This .venv is in a folder that is closed to other users, so none of them can run its servers.")
        with tempfile.TemporaryDirectory() as folder:
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
            # It may read everything, because the interpreter may lie in root's home.
            reads = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
            as_nobody = ["setpriv", "--reuid=nobody", f"--regid={nobody.pw_gid}", "--clear-groups", *reads, "--"]
            for copy in _copy_in(Path(folder) / "var", as_nobody):
                holder = hold(copy)
                assert {process.uids().effective for process in copy.processes()} == {nobody.pw_uid}
                leave(holder)
                assert copy.processes() == []

    def test_data_below_a_folder_that_is_closed_to_others_works_and_stays_closed(self) -> None:
        with tempfile.TemporaryDirectory() as folder:  # Made with mode 0700, root's.
            for copy in _copy_in(Path(folder) / "closed" / "var"):
                assert "rows 1 redis 1" in copy.run("-c", COUNT)[1]
                assert "rows 2 redis 2" in copy.run("-c", COUNT)[1]
                assert Path(folder).stat().st_mode & 0o777 == 0o700

    def test_postgresql_has_none_of_roots_rights_and_a_user_of_its_own(self, empty_copy: Copy) -> None:
        holder = hold(empty_copy)
        servers = [process for process in empty_copy.processes() if process.name() == "postgres"]
        assert servers
        own = (empty_copy.data_dir / "postgres").stat().st_uid
        assert own in privileges.OWN_IDS
        others = [process for process in psutil.process_iter() if process not in servers]
        assert own not in {process.uids().real for process in others if runs(process)}
        for server in servers:
            assert (set(server.uids()), set(server.gids())) == ({own}, {own})
            status = dict(line.split(":\t", 1) for line in Path(f"/proc/{server.pid}/status").read_text().splitlines())
            assert {status[kind] for kind in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {"0" * 16}
            assert status["Groups"].split() == []
        leave(holder)

    def test_no_other_user_reaches_the_data_or_the_socket(
        self, empty_copy: Copy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("POSTBACKS_DATA_DIR", str(empty_copy.data_dir))
        holder = hold(empty_copy)
        assert not _reached_by(pwd.getpwnam("nobody").pw_uid, socket_dir(), empty_copy.data_dir / "postgres")
        leave(holder)

    @pytest.mark.parametrize("owner", [0, pwd.getpwnam("nobody").pw_uid], ids=["root", "nobody"])
    def test_data_of_root_and_of_nobody_get_a_user_of_their_own(self, copy: Copy, owner: int) -> None:
        assert "rows 1" in copy.run("-c", COUNT)[1]
        folder = copy.data_dir / "postgres"
        for path in (folder, *folder.rglob("*")):
            os.chown(path, owner, owner)
        assert "rows 2" in copy.run("-c", COUNT)[1]
        assert {path.stat().st_uid for path in (folder, *folder.rglob("*"))} == {folder.stat().st_uid}
        assert folder.stat().st_uid in privileges.OWN_IDS

    def test_without_a_user_of_its_own_it_says_what_is_shared(self, copy: Copy) -> None:
        as_in_a_small_container = "from devtools.embedded import privileges\nprivileges._can_become = lambda _: False\n"
        _, output = copy.run("-c", as_in_a_small_container + COUNT)
        assert "rows 1 redis 1" in output
        assert (
            f"PostgreSQL runs as nobody: other programs of that user can read and change the data in {copy.data_dir}"
            in output
        )

    def test_programs_that_its_user_cannot_reach_are_copied_whole(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with tempfile.TemporaryDirectory() as closed, tempfile.TemporaryDirectory(dir="/var/lib") as place:
            monkeypatch.setattr(privileges, "PROGRAMS", Path(place) / "programs")
            Path(place).chmod(0o755)
            installed, folder = _installed_in(Path(closed)), tmp_path / "data"
            folder.mkdir()
            privileges.hand_over(folder)
            for name in ("postgres", "initdb"):
                copied = privileges.reachable(installed, f"pginstall18/bin/{name}", folder)
                assert copied.is_relative_to(Path(place) / "programs")
            whole = copied.parents[2]
            assert [path for path in whole.rglob("*") if path.lstat().st_uid or path.stat().st_mode & 0o022] == []
            # A package whose folders are open is used as it is.
            assert privileges.reachable(whole, "pginstall18/bin/initdb", folder) == copied
            assert len(list((Path(place) / "programs").iterdir())) == 1

    def test_programs_that_cannot_be_copied_are_a_clear_error(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "file").touch()
        monkeypatch.setattr(privileges, "PROGRAMS", tmp_path / "file")
        folder = tmp_path / "data"
        folder.mkdir()
        privileges.hand_over(folder)
        with tempfile.TemporaryDirectory() as closed:
            installed = _installed_in(Path(closed))
            with pytest.raises(EmbeddedError, match="move the project to a folder that is open to others"):
                privileges.reachable(installed, "pginstall18/bin/postgres", folder)


def _installed_in(folder: Path) -> Path:
    """Copy the package and its libraries; return the package."""
    package = postgres._package()
    for source in package.parent.glob(f"{package.name}*"):
        shutil.copytree(source, folder / source.name, symlinks=True)
    return folder / package.name


def _reached_by(user: int, *paths: Path) -> bool:
    tests = " && ".join(f"test -r '{path}' -a -x '{path}'" for path in paths)
    return subprocess.run(["/bin/sh", "-c", tests], user=user, group=user, extra_groups=[], check=False).returncode == 0


@pytest.mark.parametrize(
    ("gigabytes", "buffers"), [(0.5, "128MB"), (2, "256MB"), (4, "512MB"), (64, "1024MB")], ids=str
)
def test_buffers_are_an_eighth_of_the_memory_within_bounds(gigabytes: float, buffers: str) -> None:
    assert postgres.memory_settings(int(gigabytes * 2**30))["shared_buffers"] == buffers


def test_a_container_that_may_use_less_memory_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(postgres, "_CONTAINERS_LIMIT", limit)
    of_the_machine = postgres._memory_bytes()
    limit.write_text("max\n")
    assert postgres._memory_bytes() == of_the_machine
    limit.write_text("1000000\n")
    assert postgres._memory_bytes() == 1_000_000
