"""The statements that make the partitioned table and its partitions."""

# ruff: noqa: S608 -- names of tables and indexes come from the catalog and are quoted

from __future__ import annotations

from typing import Final

from psycopg2 import extensions

from postbacks.partitions.ranges import REST, TABLE, Range

KEY: Final = "delivery_id"
FIRST: Final = f"{TABLE}_0"
SEQUENCE: Final = f"{TABLE}_id_seq"
# Proves to PostgreSQL that the table fits into the first range, so that it need not read it under a strong lock.
FITS: Final = "postbacks_attempt_fits"

_RENAMES = f"""
SELECT format('ALTER TABLE {TABLE} RENAME CONSTRAINT %I TO %I', conname, left(conname, 60) || '_0')
FROM pg_constraint WHERE conrelid = '{TABLE}'::regclass AND contype IN ('p', 'u')
UNION ALL
SELECT format('ALTER INDEX %I RENAME TO %I', c.relname, left(c.relname, 60) || '_0')
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = '{TABLE}'::regclass AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = i.indexrelid)
"""
# The primary key cannot be one of the whole: it would have to contain the key of the partitions.
_INDEXES = f"""
SELECT format('ALTER TABLE {TABLE} ADD CONSTRAINT %I %s', conname, pg_get_constraintdef(oid))
FROM pg_constraint WHERE conrelid = '{TABLE}'::regclass AND contype = 'u'
UNION ALL
SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i
WHERE i.indrelid = '{TABLE}'::regclass AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = i.indexrelid)
"""
_GRANTS = f"""
SELECT format('GRANT %s ON {TABLE} TO %s', g.privilege_type,
              CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END)
FROM pg_class c, aclexplode(c.relacl) g WHERE c.oid = '{TABLE}'::regclass AND g.grantee <> c.relowner
"""
_OPTIONS = "SELECT array_to_string(reloptions, ', ') FROM pg_class WHERE oid = %s::regclass"
_OWN_SEQUENCE = f"""
SELECT attidentity <> '', pg_get_serial_sequence('{TABLE}', 'id') FROM pg_attribute
WHERE attrelid = '{TABLE}'::regclass AND attname = 'id'
"""
# A view, rule, trigger, policy or publication would go on with the old table under its new name, and see less and less.
_IN_THE_WAY = f"""
SELECT DISTINCT 'view ' || r.ev_class::regclass::text FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
WHERE d.classid = 'pg_rewrite'::regclass AND d.refobjid = '{TABLE}'::regclass AND r.ev_class <> d.refobjid
UNION ALL SELECT 'trigger ' || tgname FROM pg_trigger WHERE tgrelid = '{TABLE}'::regclass AND NOT tgisinternal
UNION ALL SELECT 'policy ' || polname FROM pg_policy WHERE polrelid = '{TABLE}'::regclass
UNION ALL SELECT 'publication ' || p.pubname FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid
WHERE r.prrelid = '{TABLE}'::regclass
UNION ALL SELECT 'foreign key ' || conname FROM pg_constraint
WHERE contype = 'f' AND (conrelid = '{TABLE}'::regclass OR confrelid = '{TABLE}'::regclass)
UNION ALL SELECT 'unique index ' || indexrelid::regclass::text FROM pg_index
WHERE indrelid = '{TABLE}'::regclass AND indisunique AND NOT indisprimary AND NOT (
    SELECT attnum FROM pg_attribute WHERE attrelid = indrelid AND attname = '{KEY}'
) = ANY (indkey::smallint[])
"""


def in_the_way(cursor: extensions.cursor) -> list[str]:
    """What somebody has added to the table that a partitioned one cannot keep, or that would stay with the old one."""
    cursor.execute(_IN_THE_WAY)
    return sorted(what for (what,) in cursor.fetchall())


def make_partitioned(cursor: extensions.cursor, high: int) -> None:
    """Puts a partitioned table in the place of the plain one, which becomes its first partition, for ids below `high`.

    The statements look at no row if FITS is there and valid, or the table is empty. The caller ends the transaction.
    """
    cursor.execute(f"LOCK TABLE {TABLE} IN ACCESS EXCLUSIVE MODE")
    renames, indexes, granted = _listed(cursor, _RENAMES), _listed(cursor, _INDEXES), grants(cursor)
    let_go_of_sequence(cursor)
    for statement in renames:
        cursor.execute(statement)
    cursor.execute(
        f"ALTER TABLE {TABLE} RENAME TO {FIRST};"
        f"CREATE TABLE {TABLE} (LIKE {FIRST} INCLUDING ALL EXCLUDING INDEXES EXCLUDING IDENTITY)"
        f" PARTITION BY RANGE ({KEY});"
        f"ALTER TABLE {TABLE} DROP CONSTRAINT IF EXISTS {FITS}"
    )
    own_sequence(cursor)
    for statement in (*indexes, *granted):
        cursor.execute(statement)
    # Its indexes are found to be those of the whole, so none is made.
    cursor.execute(
        f"ALTER TABLE {TABLE} ATTACH PARTITION {FIRST} FOR VALUES FROM (MINVALUE) TO ({high});"
        f"ALTER TABLE {FIRST} DROP CONSTRAINT IF EXISTS {FITS}"
    )
    make_table(cursor, REST, FIRST)
    cursor.execute(f"ALTER TABLE {TABLE} ATTACH PARTITION {REST} DEFAULT")


def add_range(cursor: extensions.cursor, low: int, high: int, like: str) -> Range:
    """Makes the partition for these ids, with the storage options of another."""
    added = Range(low, high, f"{TABLE}_{low}")
    make_table(cursor, added.table, like)
    # Unlike CREATE TABLE … PARTITION OF, this waits for nobody who reads or writes the whole.
    cursor.execute(f"ALTER TABLE {TABLE} ATTACH PARTITION {added.table} FOR VALUES FROM ({low}) TO ({high})")
    return added


def make_table(cursor: extensions.cursor, name: str, like: str) -> None:
    """Makes an empty table that can be a partition, with the storage options of another."""
    cursor.execute(_OPTIONS, (like,))
    (options,) = cursor.fetchone() or (None,)
    cursor.execute(
        f"CREATE TABLE {name} (LIKE {TABLE} INCLUDING ALL EXCLUDING IDENTITY, PRIMARY KEY (id))"
        + (f" WITH ({options})" if options else "")
    )


def let_go_of_sequence(cursor: extensions.cursor) -> None:
    """The table no longer gives out ids; the sequence stays, or begins anew where it was.

    An identity column cannot be attached from PostgreSQL 17 on, and before it none is inherited. So the whole has a
    default, which is the same to all that insert.
    """
    cursor.execute(_OWN_SEQUENCE)
    identity, sequence = cursor.fetchone() or (False, None)
    if identity:
        cursor.execute(f"SELECT last_value, is_called FROM {sequence}")
        last, called = cursor.fetchone() or (1, False)
        cursor.execute(
            f"ALTER TABLE {TABLE} ALTER COLUMN id DROP IDENTITY; CREATE SEQUENCE {SEQUENCE};"
            f"SELECT setval('{SEQUENCE}', {last}, {called})"
        )
    else:
        cursor.execute(f"ALTER SEQUENCE {SEQUENCE} OWNED BY NONE; ALTER TABLE {TABLE} ALTER COLUMN id DROP DEFAULT")


def own_sequence(cursor: extensions.cursor) -> None:
    """The table gives out ids from now on."""
    cursor.execute(
        f"ALTER TABLE {TABLE} ALTER COLUMN id SET DEFAULT nextval('{SEQUENCE}');"
        f"ALTER SEQUENCE {SEQUENCE} OWNED BY {TABLE}.id"
    )


def grants(cursor: extensions.cursor) -> list[str]:
    """The statements that grant others what they may do with the table, for the one that takes its place."""
    return _listed(cursor, _GRANTS)


def _listed(cursor: extensions.cursor, query: str) -> list[str]:
    cursor.execute(query)
    return [text for (text,) in cursor.fetchall()]
