"""Each test has one kind, found in what it uses, and may touch only what that kind may."""

from __future__ import annotations

import os
import subprocess
import sys

import psycopg2
import pytest
from django.contrib.auth.models import User
from django.db import connection

from postbacks.delivery.redis import client
from tests.support.kinds import KINDS


def kinds_of(item: pytest.Item) -> set[str]:
    return KINDS.keys() & {mark.name for mark in item.iter_markers()}


def start_program() -> int:
    return subprocess.run([sys.executable, "-c", ""], check=False).returncode


@pytest.fixture
def program_that_ran() -> int:
    return start_program()


def test_every_test_has_one_kind(request: pytest.FixtureRequest) -> None:
    assert [item.nodeid for item in request.session.items if len(kinds_of(item)) != 1] == []


def test_what_computes_is_of_kind_unit(request: pytest.FixtureRequest) -> None:
    assert kinds_of(request.node) == {"unit"}


@pytest.mark.django_db
def test_what_reads_the_database_is_of_kind_db(request: pytest.FixtureRequest) -> None:
    assert not User.objects.exists()
    assert kinds_of(request.node) == {"db"}


def test_what_asks_for_redis_is_of_kind_db(empty_redis: None, request: pytest.FixtureRequest) -> None:
    assert client.dbsize() == 0
    assert kinds_of(request.node) == {"db"}


def test_what_starts_a_program_by_a_fixture_and_a_helper_is_of_kind_worker(
    program_that_ran: int, request: pytest.FixtureRequest
) -> None:
    assert program_that_ran == 0
    assert kinds_of(request.node) == {"worker"}


def test_a_unit_test_reaches_no_server_and_starts_no_program() -> None:
    """Whether servers run or not: those of other tests may."""
    with pytest.raises(pytest.fail.Exception, match="connects to PostgreSQL, but its kind is unit"):
        psycopg2.connect("host=nowhere.example")
    with pytest.raises(RuntimeError, match="Database access not allowed"):
        connection.ensure_connection()
    with pytest.raises(pytest.fail.Exception, match="connects to Redis, but its kind is unit"):
        client.ping()
    with pytest.raises(pytest.fail.Exception, match="starts a program, but its kind is unit"):
        os.posix_spawn(sys.executable, [sys.executable, "-c", ""], {})


@pytest.mark.django_db
def test_a_db_test_starts_no_program() -> None:
    with pytest.raises(pytest.fail.Exception, match="starts a program, but its kind is db"):
        os.posix_spawn(sys.executable, [sys.executable, "-c", ""], {})
