"""For migrations: an index of a table that may be partitioned, made while everybody goes on writing."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState

_LACKING = """
SELECT c.relname FROM pg_inherits p JOIN pg_class c ON c.oid = p.inhrelid
WHERE p.inhparent = %s::regclass AND NOT EXISTS (
    SELECT 1 FROM pg_index i JOIN pg_inherits of_whole ON of_whole.inhrelid = i.indexrelid
    WHERE i.indrelid = c.oid AND of_whole.inhparent = to_regclass(%s)
)
ORDER BY c.oid
"""
_IS_PARTITIONED = "SELECT relkind = 'p' FROM pg_class WHERE oid = %s::regclass"


class AddIndexToEachPartition(AddIndexConcurrently):
    """As AddIndexConcurrently, which PostgreSQL refuses for a partitioned table: the index is made of each partition.

    The migration must not be atomic. It can be run again after it was interrupted.
    """

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        table = str(model._meta.db_table)  # noqa: SLF001 -- the documented name of Django's API for models
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(_IS_PARTITIONED, [table])
            partitioned = cursor.fetchone() == (True,)
        if not partitioned:
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        self._ensure_not_in_transaction(schema_editor)
        of_whole = str(self.index.create_sql(model, schema_editor))
        _run(
            schema_editor,
            of_whole.replace("CREATE INDEX", "CREATE INDEX IF NOT EXISTS", 1).replace(
                f' ON "{table}"', f' ON ONLY "{table}"', 1
            ),
        )
        while lacking := self._lacking(schema_editor, table):
            name = f"{self.index.name}_{lacking.removeprefix(table)}"[:63]
            _run(schema_editor, f'DROP INDEX CONCURRENTLY IF EXISTS "{name}"')  # Half made, where it was interrupted.
            statement = of_whole.replace(f'"{self.index.name}"', f'"{name}"', 1).replace(
                f'"{table}"', f'"{lacking}"', 1
            )
            _run(schema_editor, statement.replace("CREATE INDEX", "CREATE INDEX CONCURRENTLY", 1))
            _run(schema_editor, f'ALTER INDEX "{self.index.name}" ATTACH PARTITION "{name}"')

    def database_backwards(
        self,
        app_label: str,  # noqa: ARG002 -- as Django calls it; so are the others
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,  # noqa: ARG002
        to_state: ProjectState,  # noqa: ARG002
    ) -> None:
        _run(schema_editor, f'DROP INDEX IF EXISTS "{self.index.name}"')

    def _lacking(self, schema_editor: BaseDatabaseSchemaEditor, table: str) -> str | None:
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(_LACKING, [table, self.index.name])
            found: tuple[Any, ...] | None = cursor.fetchone()
        return found[0] if found else None


def _run(schema_editor: BaseDatabaseSchemaEditor, statement: str) -> None:
    schema_editor.execute(statement, params=None)
