"""Copies attempts into another table beside live traffic: in steps, while a trigger repeats each change in the copy."""

# ruff: noqa: S608 -- names of tables and columns are constants or come from the catalog

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from psycopg2 import extensions

from postbacks.partitions.ranges import TABLE, columns
from postbacks.partitions.tables import KEY, make_table

COPY: Final = f"{TABLE}_copy"
STEP: Final = 5_000  # Ids of deliveries; takes some tens of milliseconds.
_TRIGGER: Final = "postbacks_mirror"

_BEGIN = f"""
CREATE OR REPLACE FUNCTION postbacks_mirror_attempt() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM {COPY} WHERE {KEY} = OLD.{KEY} AND number = OLD.number;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO {COPY} ({{columns}}) VALUES ({{new}});
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER {_TRIGGER} AFTER INSERT OR UPDATE OR DELETE ON {{source}}
FOR EACH ROW EXECUTE FUNCTION postbacks_mirror_attempt();
"""
# A row that is changed meanwhile is copied as it is afterwards, or by the trigger: the lock orders the two.
_STEP = f"""
INSERT INTO {COPY} ({{columns}}) SELECT {{values}} FROM {{source}}
WHERE {KEY} >= %(low)s AND {KEY} < %(high)s ORDER BY {KEY}, number FOR SHARE
ON CONFLICT DO NOTHING
"""
_NEXT = f"SELECT {KEY} FROM {{source}} WHERE {KEY} >= %s ORDER BY {KEY} LIMIT 1"
_STATE = f"SELECT obj_description(to_regclass('{COPY}'), 'pg_class'), to_regclass('{COPY}') IS NOT NULL"


def purpose(cursor: extensions.cursor) -> tuple[str, int] | None:
    """What the copy that is there was begun for, and the id up to which it has come; None: there is none."""
    cursor.execute(_STATE)
    told, there = cursor.fetchone() or (None, False)
    if not there:
        return None
    what, _, up_to = str(told or "").partition(" ")
    return what, int(up_to or 0)


def begin(cursor: extensions.cursor, source: str, what: str) -> None:
    """Makes the empty copy, in which all changes of `source` are repeated from now on."""
    make_table(cursor, COPY, source)
    listed = columns(cursor)
    new = ", ".join(f"NEW.{name}" for name in listed.split(", "))
    cursor.execute(_BEGIN.format(columns=listed, new=new, source=source))
    _note(cursor, what, 0)


def steps(
    connection: extensions.connection,
    source: str,
    what: str,
    *,
    after: int = 0,
    replaced: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[tuple[int, int]]:
    """Copies all rows of deliveries from the id `after` on; yields after each step how many, and the id it came to.

    `replaced` are SQL expressions for columns that are not copied as they are.
    """
    with connection.cursor() as cursor:
        listed = columns(cursor)
    values = ", ".join(replaced.get(name, name) for name in listed.split(", "))
    statement = _STEP.format(columns=listed, values=values, source=source)
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_NEXT.format(source=source), (after,))
            found = cursor.fetchone()
            if found is None:
                return
            after = found[0] + STEP
            cursor.execute("BEGIN")
            try:
                cursor.execute(statement, {"low": found[0], "high": after})
                copied = cursor.rowcount
                _note(cursor, what, after)
                cursor.execute("COMMIT")
            except BaseException:
                if not connection.closed:
                    cursor.execute("ROLLBACK")
                raise
        yield copied, after


def give_up(cursor: extensions.cursor) -> None:
    """Removes the copy and what repeats changes in it."""
    cursor.execute(f"DROP FUNCTION IF EXISTS postbacks_mirror_attempt() CASCADE; DROP TABLE IF EXISTS {COPY}")


def _note(cursor: extensions.cursor, what: str, up_to: int) -> None:
    cursor.execute(f"COMMENT ON TABLE {COPY} IS %s", (f"{what} {up_to}",))
