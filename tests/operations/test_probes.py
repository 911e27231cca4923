"""`/healthz` and `/readyz`: what machines are told of a deployment, in good and in bad days."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg2
import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from operations import asking, migrations, readiness
from operations.after_restore.cluster import CLUSTER
from operations.asking import Asker, database_parameters
from operations.migrations import missing
from operations.readiness import Check, Checks, Look
from postbacks import tasks
from postbacks.delivery.sweep import Sweeper
from postbacks.models import Pulse
from tests.support.delivery_rows import living_worker
from tests.support.patience import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

ALL = ("database", "migrations", "worker", "sending", "sweep", "redis")


@pytest.fixture
def announced_worker() -> Iterator[None]:
    with living_worker():
        yield


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.fixture(autouse=True)
def nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "KEPT_SECONDS", 0.0)
    monkeypatch.setattr(readiness, "ANSWER_SECONDS", 60.0)  # A look may take long on a busy machine.
    for checks in (readiness.web_checks, readiness.all_checks):
        checks.forget()


def ask(address: str = "/readyz", **headers: Any) -> tuple[int, dict[str, Any]]:
    response = Client().get(address, **headers)
    return response.status_code, response.json()


def fix_of(name: str, address: str = "/readyz") -> str:
    """What is to be fixed; it must be the only thing."""
    status, said = ask(address)
    assert (status, said["ready"]) == (503, False)
    assert [each for each, check in said["checks"].items() if not check["ok"]] == [name]
    return str(said["checks"][name]["fix"])


@pytest.mark.usefixtures("announced_worker")
def test_a_whole_deployment_is_ready(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert ask() == (200, {"ready": True, "checks": {name: {"ok": True} for name in ALL}})
    assert ask("/readyz/web")[1]["checks"] == {"database": {"ok": True}, "migrations": {"ok": True}}


def test_without_a_worker_reports_are_still_taken() -> None:
    status, said = ask()
    assert status == 503
    assert said["checks"]["worker"] == {
        "ok": False,
        "fix": "No worker process is running. Start one: celery --app config worker.",
    }
    assert said["checks"]["sweep"]["fix"].startswith("The last sweep was never.")
    assert ask("/readyz/web")[0] == 200


@pytest.mark.usefixtures("announced_worker")
@pytest.mark.parametrize(("seconds", "ready"), [(13, True), (16, False)])
def test_a_sweep_that_is_late(seconds: int, ready: bool) -> None:
    Pulse.objects.filter(name="sweep").update(at=timezone.now() - timedelta(seconds=seconds))
    if ready:
        assert ask()[0] == 200
    else:
        assert fix_of("sweep") == "The last sweep was 16 s ago. Check that a worker runs, and its log."


@pytest.mark.usefixtures("announced_worker")
@pytest.mark.parametrize("address", ["/readyz", "/readyz/web"])
def test_a_migration_that_was_forgotten(address: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE name = '0006_pulse' RETURNING app, name, applied")
        row = cursor.fetchone()
    try:
        said = fix_of("migrations", address)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, %s)", row)
    assert said == "Run `python manage.py migrate`: the database lacks postbacks.0006_pulse."


def test_squashed_migrations_count_by_what_they_stand_for(monkeypatch: pytest.MonkeyPatch) -> None:
    class Fake:
        def __init__(self, *replaces: tuple[str, str]) -> None:
            self.replaces = list(replaces)

    first, second, squashed, last = ("a", "1"), ("a", "2"), ("a", "1_2"), ("a", "3")
    code = {first: Fake(), second: Fake(), squashed: Fake(first, second), last: Fake()}
    monkeypatch.setattr(migrations, "_of_this_code", lambda: code)
    assert missing([first, second, last, ("b", "newer")]) == []
    assert missing([squashed]) == ["a.3"]
    assert missing([first, last]) == ["a.1_2", "a.2"]


@pytest.mark.usefixtures("announced_worker")
def test_a_redis_that_is_gone_or_silent(settings: Any, silent: int) -> None:
    for port, fix in ((1, "Start Redis, or correct host"), (silent, "Check that the host answers")):
        settings.REDIS_URL = f"redis://127.0.0.1:{port}/0"
        began = time.monotonic()
        assert fix_of("redis").startswith(f"Redis does not accept writes. {fix}")
        assert time.monotonic() - began < 20


def test_a_database_that_is_gone_or_silent(
    monkeypatch: pytest.MonkeyPatch, silent: int, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(readiness, "DATABASE_SECONDS", 0.5)
    for port, logged in ((1, "refused"), (silent, "no answer within 0.5 s")):
        place = {**database_parameters(), "host": "127.0.0.1", "port": port}
        monkeypatch.setattr(asking, "database_parameters", lambda place=place: place)
        began = time.monotonic()
        fix = "Start PostgreSQL, or correct host" if port == 1 else "Check that the host answers"
        said = fix_of("database", "/readyz/web")
        assert said.startswith(f"The database does not answer. {fix}")
        assert "127.0.0.1" not in said
        assert time.monotonic() - began < 20
        assert logged in caplog.text
    assert Client().get("/healthz").status_code == 200, "this process lives all the same"


@pytest.mark.usefixtures("announced_worker")
def test_a_connection_that_breaks_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations, "APPLIED", "SELECT 'a', pg_terminate_backend(pg_backend_pid())::text")
    assert ask("/readyz/web")[0] == 503
    monkeypatch.setattr(migrations, "APPLIED", "SELECT app, no_such_column FROM django_migrations")
    assert ask("/readyz/web")[0] == 503


def test_many_who_ask_at_once_cost_one_look() -> None:
    looks = []

    def look() -> list[Check]:
        time.sleep(0.05)
        looks.append(1)
        return [Check("it", f"Look {len(looks)}.")]

    checks = Checks(Look("it", look))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(readiness, "KEPT_SECONDS", 60.0)
        with ThreadPoolExecutor(5) as threads:
            answers = [future.result() for future in [threads.submit(checks) for _ in range(5)]]
        assert answers == [[Check("it", "Look 1.")]] * 5
        checks.forget()
        assert checks() == [Check("it", "Look 2.")]


def test_what_hangs_is_told_at_once_with_what_was_known_of_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "ANSWER_SECONDS", 0.05)
    hangs, goes_on = threading.Event(), threading.Event()

    def look() -> Iterator[Check]:
        if hangs.is_set():
            goes_on.wait()
        yield Check("it")
        yield Check("more", "" if goes_on.is_set() else "To be done.")

    checks = Checks(Look("it", look), Look("other", lambda: [Check("other")]))
    wait_until(lambda: len(checks()) == 3, 5, "all has been looked at")
    hangs.set()
    known = [Check("it"), Check("more", "To be done."), Check("other")]
    checks.forget()
    assert checks() == known, "a look may take a moment"
    monkeypatch.setattr(readiness, "HANGS_SECONDS", 0.0)
    it, *others = checks()
    assert it.fix.startswith("It has not answered for 0 s. Check that its host runs")
    assert others == known[1:]
    goes_on.set()
    wait_until(lambda: checks() == [Check("it"), Check("more"), Check("other")], 5, "it answers again")


def test_a_look_that_fails_is_told(caplog: pytest.LogCaptureFixture) -> None:
    assert Checks(Look("it", lambda: [Check(str(1 / 0))]))() == [
        Check("it", "The look at it failed. See the log of the web.")
    ]
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.usefixtures("announced_worker")
def test_a_database_that_takes_no_writes() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {connection.settings_dict['NAME']} SET default_transaction_read_only = on")
    try:
        said = fix_of("database", "/readyz/web")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET default_transaction_read_only = off")
            cursor.execute(f"ALTER DATABASE {connection.settings_dict['NAME']} RESET default_transaction_read_only")
    assert said.startswith("The database takes no writes: it is a standby or read-only.")


@pytest.mark.usefixtures("announced_worker")
def test_somebody_who_holds_the_pulse_does_not_make_it_unready() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK postbacks_pulse IN SHARE ROW EXCLUSIVE MODE")
        assert ask("/readyz/web")[0] == 200


def test_a_question_that_takes_too_long_is_given_up() -> None:
    with Asker(0.3) as asker, pytest.raises(psycopg2.OperationalError, match=r"no answer within 0\.3 s"):
        asker.ask("SELECT pg_sleep(1)")


@pytest.mark.parametrize("address", ["/healthz", "/readyz/web"])
def test_probes_need_no_host_no_https_and_no_session(settings: Any, address: str) -> None:
    settings.ALLOWED_HOSTS = ["postbacks.example"]
    settings.SECURE_SSL_REDIRECT = True
    response = Client(enforce_csrf_checks=True).get(address, headers={"host": "10.1.2.3:8000"})
    assert (response.status_code, response.headers["Cache-Control"]) == (200, "no-store")
    assert not response.cookies
    assert Client().get("/admin/", headers={"host": "10.1.2.3:8000"}).status_code == 400
    assert Client().post(address).status_code == 405


def test_who_is_alive_asks_nobody(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert ask("/healthz") == (200, {"alive": True})


def test_the_sweep_and_beats_task_leave_their_marks() -> None:
    sweeper = Sweeper()
    sweeper.sweep()
    sweeper.close()
    tasks.fold()
    marks = dict(Pulse.objects.values_list("name", "at"))
    assert [name for name in sorted(marks) if not name.startswith(CLUSTER)] == ["beat", "sweep"]
    assert timezone.now() - min(marks.values()) < timedelta(seconds=5)
