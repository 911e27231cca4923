"""Statements that are parsed and planned once for each connection, where that takes longer than running them.

Only for connections of the engine (`postbacks.database.connect`): a pooler would give the next statement to another
server process, which knows nothing of it.
"""

from __future__ import annotations

from weakref import WeakSet

from psycopg2 import extensions


class PreparedStatement:
    """`sql` has `$1` for each parameter, whose types are `types`. The plan does not depend on the parameters' values:
    what PostgreSQL would learn from them is not worth planning each time."""

    def __init__(self, name: str, types: str, sql: str) -> None:
        typed, values = (f" ({types})", f" ({', '.join(['%s'] * len(types.split(',')))})") if types else ("", "")
        self._prepare = f"SET plan_cache_mode = force_generic_plan; PREPARE {name}{typed} AS {sql}"
        self._connections: WeakSet[extensions.connection] = WeakSet()
        self.execute = f"EXECUTE {name}{values}"
        """What runs it on a connection that knows it, with psycopg2's placeholders."""

    def make_known(self, cursor: extensions.cursor) -> None:
        """Prepares it unless the connection knows it. Not within a transaction, which would undo the setting."""
        if cursor.connection not in self._connections:
            cursor.execute(self._prepare)
            self._connections.add(cursor.connection)
