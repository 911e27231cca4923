"""An index that a later release adds, whether the table is partitioned or not."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import connection, models
from django.db.migrations.state import ProjectState
from psycopg2 import extensions

from postbacks.partitions.later_indexes import AddIndexToEachPartition
from tests.support.partitions import plain

pytestmark = pytest.mark.django_db(transaction=True)

INDEX = models.Index(fields=["method", "id"], condition=models.Q(succeeded=False), name="attempt_of_later")


def run(*, back: bool = False) -> None:
    step = AddIndexToEachPartition("attempt", INDEX)
    before = ProjectState.from_apps(apps)
    after = before.clone()
    step.state_forwards("postbacks", after)
    with connection.schema_editor(atomic=False) as editor:
        if back:
            step.database_backwards("postbacks", editor, after, before)
        else:
            step.database_forwards("postbacks", editor, before, after)


def indexed() -> dict[str, bool]:
    """The tables that have the index, and whether it is valid."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indrelid::regclass::text, indisvalid FROM pg_index"
            " WHERE pg_get_indexdef(indexrelid) ~ '\\(method, id'"
        )
        return dict(cursor.fetchall())


def test_each_partition_gets_it(engine: extensions.connection) -> None:
    run()
    rest = "postbacks_attempt_rest"
    ranges = ("postbacks_attempt_0", "postbacks_attempt_10", "postbacks_attempt_20", "postbacks_attempt_30")
    assert indexed() == dict.fromkeys(("postbacks_attempt", *ranges, rest), True)
    run()  # As after an interruption.
    assert len(indexed()) == 6
    run(back=True)
    assert indexed() == {}


def test_what_was_interrupted_is_made_whole(engine: extensions.connection) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE INDEX attempt_of_later ON ONLY postbacks_attempt (method, id) WHERE NOT succeeded")
    assert indexed() == {"postbacks_attempt": False}
    run()
    assert set(indexed().values()) == {True}
    run(back=True)


def test_one_table_gets_one(engine: extensions.connection) -> None:
    plain(engine)
    run()
    assert indexed() == {"postbacks_attempt": True}
    run(back=True)
