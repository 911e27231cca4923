"""`manage.py partition_tables`: moves the attempts of an existing database into partitions, or back."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
from django.core.management.base import CommandError
from psycopg2 import extensions

from commands.base import Command as BaseCommand
from commands.exit_codes import ExitCode
from commands.progress import progress
from postbacks import database
from postbacks.advisory_locks import PRUNE_LOCK, held
from postbacks.partitions.ahead import make_ahead
from postbacks.partitions.back import BACK, back
from postbacks.partitions.briefly import InTheWayError, briefly
from postbacks.partitions.copying import give_up, purpose
from postbacks.partitions.move import STEPS, TRIES, CannotMoveError, move
from postbacks.partitions.ranges import REST, TABLE, is_partitioned
from postbacks.partitions.report import Report, report

HELP = """\
Moves the attempts of an existing database into partitions, beside live traffic, so that pruning drops old ones at
once. No row is copied: the table becomes the first partition, after a constraint is proven, which reads it once. With
--back, they become one table again; later than some days after the move, that copies all rows.

Stop it with Ctrl-C and start it again as you like. A database made by this release has partitions from the beginning.
"""


class Command(BaseCommand):
    help = HELP

    json_keys = {
        "partitioned": "whether attempts are in partitions now",
        "changed": "whether this run has moved them",
        "partitions": "list of {table, from: id of a delivery, below, bytes}; empty without partitions",
        "rest_bytes": "of the partition for all others; without partitions, of the one table",
    }
    fails_if = "another process prunes or moves attempts, or something is in the way of the move"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--back", action="store_true", help="make one table of the partitions")

    def handle(self, *_: object, **options: Any) -> None:
        try:
            with alone() as connection:
                moved = _back if options["back"] else _forth
                changed = moved(connection, as_json=self.as_json)
                with connection.cursor() as cursor:
                    found = report(cursor)
        except (CannotMoveError, InTheWayError) as error:
            raise CommandError(f"{error} Nothing has changed. Run the command again.") from None
        except psycopg2.Error as error:
            raise CommandError(
                f"The database ended it: {str(error).strip()}. Run the command again.", returncode=ExitCode.SERVER_AWAY
            ) from None
        except KeyboardInterrupt:
            raise CommandError(
                "Interrupted. Run the command again to continue.", returncode=ExitCode.INTERRUPTED
            ) from None
        self.report(_as_values(found, changed=changed), _as_text(found, changed=changed))


@contextmanager
def alone() -> Iterator[extensions.connection]:
    """A connection whose lock keeps pruning away. Raises CommandError if another process prunes or moves."""
    connection = database.connect("partitions")
    try:
        with held(connection, PRUNE_LOCK) as got:
            if not got:
                raise CommandError("Another process is pruning, or moving attempts. Try again when it has finished.")
            yield connection
    finally:
        connection.close()


def _forth(connection: extensions.connection, *, as_json: bool) -> bool:
    with connection.cursor() as cursor:
        if is_partitioned(cursor):
            begun = purpose(cursor)
            if begun is not None and begun[0] == BACK:
                briefly(connection, give_up, TABLE, tries=TRIES)
            while briefly(connection, make_ahead, REST, tries=TRIES):
                pass
            return False
    with progress(STEPS, unit="step", as_json=as_json) as bar:
        steps_begun = 0

        def say(what: str) -> None:
            nonlocal steps_begun
            bar.update(min(steps_begun, 1))
            bar.set_description_str(what)
            steps_begun += 1

        move(connection, say)
    return True


def _back(connection: extensions.connection, *, as_json: bool) -> bool:
    with connection.cursor() as cursor:
        if not is_partitioned(cursor):
            return False
    with progress(what="copying", unit=" deliveries", as_json=as_json) as bar:

        def tell(up_to: int, newest: int) -> None:
            bar.total = max(newest, up_to)
            bar.update(up_to - bar.n)

        back(connection, tell)
    return True


def _as_values(found: Report, *, changed: bool) -> dict[str, Any]:
    partitions = [
        {"table": each.table, "from": each.low, "below": each.high, "bytes": found.sizes[each.table]}
        for each in found.there
    ]
    rest = found.sizes[REST if found.partitioned else TABLE]
    return {"partitioned": found.partitioned, "changed": changed, "partitions": partitions, "rest_bytes": rest}


def _as_text(found: Report, *, changed: bool) -> str:
    done = "now" if changed else "already"
    if not found.partitioned:
        return f"Attempts are {done} in one table, of {_megabytes(found.sizes[TABLE])}."
    parts = [
        f"  {each.table}: {each.low:,} to {each.high - 1:,}, {_megabytes(found.sizes[each.table])}"
        for each in found.there
    ]
    return "\n".join(
        [
            f"Attempts are {done} in partitions, by the ids of their deliveries. The newest is {found.newest:,}.",
            *parts,
            f"  {REST}: all others, {_megabytes(found.sizes[REST])}",
        ]
    )


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:,.1f} MB"
