"""`manage.py doctor` on deployments that are broken, each in a way of its own: the right advice, and no other."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.db import connection
from django.utils import timezone
from redis import Redis

from actions.api.tokens import create_token
from devtools.embedded.redis_server import redis_binary
from environment.variables import BASE_DIR
from operations.asking import Asker, database_parameters
from operations.doctor.channels import judge_channels
from operations.doctor.clocks import judge_skew
from operations.doctor.configuration import look_at_settings
from operations.doctor.database import look_at_tables, look_for_a_pooler, unreachable
from operations.doctor.finding import Finding, Level
from operations.doctor.keys import look_at_keys
from operations.doctor.lanes import judge_lanes, look_at_lanes
from operations.doctor.locks import look_at_locks
from operations.doctor.machine import judge_disk, judge_files
from operations.doctor.partitions import judge_partitions
from operations.doctor.redis_server import judge_info, look_at_redis
from operations.doctor.workers import START_BEAT, START_WORKER, judge_workers, look_at_workers
from postbacks.advisory_locks import LEASE_LOCKS
from postbacks.credentials.secrets.cipher import encrypt
from postbacks.delivery import blockers, leases
from postbacks.models import Lane, Postback, Pulse
from tests.support import programs
from tests.support.delivery_rows import engine_connection, held_up, living_worker, make_delivery, make_held, make_lane
from tests.support.factories import make_tracker, report_fields
from tests.support.patience import wait_until
from tests.support.processes import killed_afterwards
from tests.support.queued import grow_old, queued
from tests.support.workers import environment

OTHER_KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
REAL_HOST = {
    "ALLOWED_HOSTS": "postbacks.example",
    "HTTPS_ONLY": "true",
    "SECRET_KEY": "abcdefghij" * 5 + "klmno",
    "POSTBACKS_NOTICE_EMAILS": "ops@postbacks.example",
    "EMAIL_URL": "smtp://mail.example:25",
    "DEBUG": "false",
}

database = pytest.mark.django_db(transaction=True)


def doctor(preexec: Callable[[], None] | None = None, **variables: str) -> tuple[int, list[str]]:
    """Exit code, and all that is not in order: each finding with its advice behind an arrow."""
    done = programs.run(
        [sys.executable, "manage.py", "doctor"],
        cwd=BASE_DIR,
        env={**os.environ, **environment(), **REAL_HOST, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **({"preexec_fn": preexec} if preexec else {}),
    )
    assert "Traceback" not in done.stderr, done.stderr
    lines = done.stdout.replace("\n         → ", " → ").splitlines()
    if done.returncode == 0:
        assert lines.pop().startswith("No error, ")
    return done.returncode, [line for line in lines if not line.startswith("ok")]


@pytest.fixture
def healthy(db: None) -> Iterator[None]:
    with living_worker():
        # The marks stay young for as long as the command may take to start.
        Pulse.objects.update(at=timezone.now() + timedelta(minutes=1))
        yield


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[Redis]:
    """A Redis that may be set up wrongly, on a socket of its own."""
    place = tmp_path / "redis.sock"
    arguments = ["--port", "0", "--unixsocket", str(place), "--dir", str(tmp_path), "--save", ""]
    with killed_afterwards(subprocess.Popen([str(redis_binary()), *arguments], stdout=subprocess.DEVNULL)):
        wait_until(place.exists, 20, "Redis starts")
        yield Redis(unix_socket_path=str(place))


def url_of(server: Redis) -> str:
    return f"unix://{server.connection_pool.connection_kwargs['path']}"


@database
@pytest.mark.usefixtures("healthy")
def test_nothing_is_wrong_with_a_deployment_that_works() -> None:
    assert doctor() == (0, [])


@database
def test_a_database_that_cannot_be_reached() -> None:
    code, (finding,) = doctor(DATABASE_URL="postgres://u:p@127.0.0.1:1/x")
    assert code == 1
    assert finding.startswith("error    The database cannot be reached: ")
    assert "Connection refused" in finding
    assert finding.endswith(" → Start PostgreSQL, or correct host and port in DATABASE_URL.")


@database
@pytest.mark.parametrize(
    ("wrong", "said", "fix"),
    [
        ({"host": "no.such.invalid"}, "could not translate host name", "Correct the host name in DATABASE_URL."),
        (
            {"dbname": "nowhere"},
            "does not exist",
            "Create the user and the database that DATABASE_URL names, or correct",
        ),
        ({"host": "/nowhere"}, "No such file or directory", "Start PostgreSQL, or give its host in DATABASE_URL."),
    ],
)
def test_why_a_database_cannot_be_reached(wrong: dict[str, str], said: str, fix: str) -> None:
    with pytest.raises(psycopg2.OperationalError) as error:
        Asker(5, database_parameters() | wrong)
    finding = unreachable(error.value)
    assert said in finding.what
    assert finding.fix.startswith(fix)


@database
@pytest.mark.usefixtures("healthy")
def test_migrations_that_were_forgotten() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE name = '0006_pulse' RETURNING app, name, applied")
        row = cursor.fetchone()
    try:
        found = doctor()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, %s)", row)
    fix = "Run `python manage.py migrate`."
    assert found == (1, [f"error    The database lacks migrations: postbacks.0006_pulse. → {fix}"])
    with Asker(5, database_parameters() | {"dbname": "postgres"}) as empty:
        assert look_at_tables(empty) == Finding(Level.ERROR, "The database is empty.", fix)


@database
@pytest.mark.usefixtures("healthy")
def test_a_redis_that_would_lose_messages(own_redis: Redis) -> None:
    own_redis.config_set("maxmemory-policy", "allkeys-lru")
    code, (finding,) = doctor(REDIS_URL=url_of(own_redis))
    assert code == 1
    assert "(maxmemory-policy allkeys-lru). → Set `maxmemory-policy noeviction`" in finding


def test_a_redis_that_is_full_or_a_copy_and_one_that_wants_a_password(own_redis: Redis, settings: Any) -> None:
    settings.REDIS_URL = url_of(own_redis)
    own_redis.config_set("maxmemory", str(own_redis.info()["used_memory"] // 2))
    *_, full = look_at_redis()
    assert full.fix == "Raise maxmemory of Redis, or remove other data from it."
    own_redis.config_set("maxmemory", "0")
    own_redis.replicaof("127.0.0.1", "1")
    *_, copy = look_at_redis()
    assert copy.fix == "Set REDIS_URL to the primary server."
    own_redis.config_set("requirepass", "secret")
    (closed,) = look_at_redis()
    assert closed.fix == "Add the password to REDIS_URL: redis://:password@host:6379/0."


@database
def test_nobody_works() -> None:
    assert doctor() == (
        1,
        [f"error    No worker process is running: nothing is sent. → {START_WORKER}"],
    )


@database
@pytest.mark.usefixtures("healthy")
def test_beat_was_forgotten_and_a_worker_is_stuck() -> None:
    Pulse.objects.filter(name="beat").delete()
    Pulse.objects.update(at=timezone.now() - timedelta(minutes=10))
    Pulse.objects.create(name="prune", at=timezone.now() - timedelta(days=4))
    with Asker(5) as asker:
        stuck, beat, prune = look_at_workers(asker)
    assert prune.what == "Pruning last finished 4 days ago."
    assert stuck.what == "1 worker process is running, but the last sweep was 10 min ago."
    assert beat.what.startswith("Last run of beat: never. ")
    assert (stuck.level, beat.level, beat.fix) == (Level.ERROR, Level.WARNING, START_BEAT)


@database
@pytest.mark.usefixtures("healthy")
def test_a_key_that_does_not_read_the_secrets(settings: Any) -> None:
    lane = make_lane(name="with a token")
    Postback.objects.filter(pk=lane.pk).update(secret_headers=[["Authorization", encrypt("Bearer x")]])
    code, findings = doctor(POSTBACKS_ENCRYPTION_KEYS=OTHER_KEY)
    assert (code, len(findings)) == (1, 1), findings
    assert findings[0].startswith(
        f"error    Secrets cannot be read, so nothing is sent, for postback {lane.pk} “with a token”. → It was "
        "encrypted with a key that is not in POSTBACKS_ENCRYPTION_KEYS."
    )
    settings.POSTBACKS_ENCRYPTION_KEYS = [OTHER_KEY, *settings.POSTBACKS_ENCRYPTION_KEYS]
    assert [each.what for each in look_at_keys()] == ["The encryption keys can read all secrets, of 1 postback."]


def test_a_demo_on_the_data(settings: Any) -> None:
    settings.DEMO_RUNS = True
    (said,) = (each.what for each in look_at_settings() if "demo" in each.what)
    assert said.startswith(f"A demo runs on the data in {settings.DATA_DIR}: it reports made-up conversions, and")


def test_channels_that_tell_nobody(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"

    def said(*channels: tuple[str, str, bool, bool, str], emails: bool = False) -> list[str]:
        return [each.what for each in judge_channels(channels, emails=emails)]

    nobody, printed = "Nobody is notified when a destination is held", "E-mail to operators is printed, not sent."
    assert said()[0].startswith(nobody)
    assert said(("Digest", "slack", False, False, ""))[0].startswith(nobody)
    assert said(("Slack", "slack", True, False, "")) == []
    assert said(emails=True) == [printed]
    assert said(("Mail", "email", True, False, "")) == [printed]
    assert said(("Slack", "slack", True, True, "Answered 404: no_service")) == [
        "Channels of notices cannot be told: “Slack” (Answered 404: no_service)."
    ]


@database
@pytest.mark.usefixtures("healthy")
def test_settings_for_developing_in_production() -> None:
    made_up = "django-insecure-" + REAL_HOST["SECRET_KEY"]
    code, findings = doctor(DEBUG="true", ALLOWED_HOSTS="*", POSTBACKS_NOTICE_EMAILS="", SECRET_KEY=made_up)
    assert code == 1
    assert findings[0].startswith("warning  ALLOWED_HOSTS accepts any host name. → List the host names of the web")
    assert findings[1].startswith("error    DEBUG is on")
    assert findings[2].startswith("warning  security.W009: Your SECRET_KEY has less than 50 characters")
    assert findings[3].startswith("warning  Nobody is notified when a destination is held")
    assert len(findings) == 4


@database
@pytest.mark.usefixtures("healthy")
def test_few_open_files_and_a_database_that_cannot_be_written() -> None:
    base, _, query = environment()["DATABASE_URL"].partition("?")
    code, findings = doctor(
        lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024)),
        DATABASE_URL=f"{base}?{query}&options=-c%20default_transaction_read_only%3Don",
    )
    assert code == 1
    assert findings[0].startswith("warning  A process may have 1,024 files open;")
    assert findings[1].startswith("error    Transactions are read-only. → Set default_transaction_read_only to off")


@database
def test_reports_that_are_queued_for_long() -> None:
    queued(create_token("shop")[0], "conversion", **report_fields(make_tracker()))
    with Asker(5) as asker:
        assert next(look_at_lanes(asker)).level is Level.OK
        grow_old()
        found = next(look_at_lanes(asker))
    assert found.level is Level.WARNING
    assert found.what == "Reports that were answered more than 60 s ago and are not recorded yet: 1."


@database
@pytest.mark.usefixtures("healthy")
def test_postbacks_that_stand() -> None:
    stuck, held, paused, limited = make_lane(name="stuck"), make_lane(name="held"), make_lane(), make_lane()
    for each in (stuck, held, paused, limited):
        make_delivery(each, due_in_seconds=-3600, priority=1)
    long_ago = timezone.now() - timedelta(hours=5)
    Lane.objects.create(postback=held, held_since=long_ago, probe_at=long_ago)
    Postback.objects.filter(pk=paused.pk).update(paused_at=long_ago)
    Postback.objects.filter(pk=limited.pk).update(maximum_requests=1)
    with Asker(5) as asker:
        queued, first, second = look_at_lanes(asker)
    assert queued.level is Level.OK
    assert first.level is Level.ERROR
    assert first.what == f"Due for more than 5 minutes, and not sent: postback {stuck.pk} “stuck” (1 h)."
    assert second.level is Level.WARNING
    assert second.what == f"Held because the destination is down: postback {held.pk} “held” (5 h)."


@database
def test_a_session_that_keeps_rows_locked_is_named_with_what_it_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blockers, "LONG_SECONDS", 0)
    held = make_held(make_lane())
    with held_up(held), Asker(5) as asker:
        (found,) = look_at_locks(asker)
    assert found.level is Level.ERROR
    assert f"delivery {held.pk} of postback {held.postback_id}, locked by session " in found.what
    assert " (postbacks test, user " in found.what
    assert "SELECT pg_terminate_backend(" in found.fix
    with Asker(5) as asker:  # The server ends a session a moment after its connection is closed.
        wait_until(lambda: [each.level for each in look_at_locks(asker)] == [Level.OK], 5, "nothing is held")


@database
def test_connections_of_ones_own_are_told_from_shared_ones() -> None:
    assert look_for_a_pooler().what == "Workers connect directly to the database."


@pytest.mark.parametrize(
    ("ahead", "said"),
    [
        (0.4, ""),
        (-0.4, ""),
        (0.6, "warning: The database's clock is 0.6 s ahead of"),
        (-7, "error: The database's clock"),
    ],
)
def test_clocks(ahead: float, said: str) -> None:
    found = [f"{each.level.value}: {each.what}" for each in judge_skew("database", ahead)]
    assert [each[: len(said)] for each in found] == ([said] if said else [])


def test_many_that_stand_are_named_in_part() -> None:
    stuck, held = judge_lanes([(number, "n", 400.0) for number in range(7)], [(1, "h", 3 * 86_400.0)])
    assert stuck.what.endswith("postback 4 “n” (7 min), and 2 more.")
    assert "postback 1 “h” (3 d)" in held.what


def test_what_redis_says_of_itself() -> None:
    said = [
        each.what for each in judge_info({"redis_version": "5.0.7", "maxmemory": 100 << 20, "used_memory": 90 << 20})
    ]
    assert said == ["Redis 5.0.7 is too old.", "Redis has used 90% of its memory (90 of 100 MB)."]
    said = [each.what for each in judge_info({"redis_version": "7.4.1", "aof_last_write_status": "err"})]
    assert said[1:] == ["Redis could not write its append-only file; it may refuse writes until it can."]
    said = [each.what for each in judge_info({"redis_version": "7.2.4", "valkey_version": "9.1.2"})]
    assert said == ["Valkey 9.1.2 answers."]


def test_workers_disk_and_files() -> None:
    assert [each.level.value for each in judge_workers(2, 3.0, None)] == ["ok", "warning"]
    assert [each.level.value for each in judge_workers(2, None, 1.0)] == ["error", "ok"]
    assert [judge_disk("/d", gb << 30).level.value for gb in (0, 1, 5)] == ["error", "warning", "ok"]
    assert [judge_files(most).level.value for most in (4095, 4096, float("inf"))] == ["warning", "ok", "ok"]


@database
def test_a_lock_of_something_else_is_no_worker() -> None:
    with engine_connection() as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, 1)", [LEASE_LOCKS + 7])
        cursor.execute(leases.LIVING, [LEASE_LOCKS])
        assert cursor.fetchone() == (0,)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({}, "ok: Partitions of attempts are there for the next 899 deliveries."),
        ({"newest": 1_000}, "warning: The newest deliveries have no partition for their attempts"),
        ({"copying": True}, "warning: Attempts are written twice, to postbacks_attempt and postbacks_attempt_copy"),
        ({"partitioned": False}, "ok: Attempts are in one table, which is small enough."),
        ({"partitioned": False, "size": 20 * 10**9}, "warning: Attempts are in one table of 20 GB"),
    ],
    ids=["enough", "too few", "left half way", "small", "large"],
)
def test_partitions_are_there_before_they_are_needed(found: dict[str, Any], said: str) -> None:
    judged = judge_partitions(
        **{"partitioned": True, "size": 0, "high": 1_000, "newest": 100, "copying": False} | found
    )
    assert f"{judged.level.value}: {judged.what}".startswith(said)
