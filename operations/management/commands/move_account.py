"""`manage.py move_account`: takes an account, its programs and their history from one cell to another."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, cast

from django.core.management import CommandError, CommandParser
from tqdm import tqdm

from commands.base import Command as BaseCommand
from commands.exit_codes import ExitCode
from commands.progress import progress
from operations.moving import account as moving
from operations.moving.file import UnreadableFileError
from operations.moving.rows import KINDS

PATIENCE_SECONDS = 60  # Longer than a request may take with the usual settings.


class Command(BaseCommand):
    help = (
        "Move an account to another cell: its programs, set-up, actions, events, deliveries and submissions, with "
        "their ids. One step at each call; the order, and what stays behind: docs/cells.md."
    )
    json_keys = {
        "account": "its AccountSID",
        "programs": "ids of its programs",
        "rows": "with --out, --in and --undo: how many of each table",
        "paused": "with --out and --in: postbacks that wait for --resume",
        "resumed": "with --resume: how many postbacks",
        "cancelled": "with --end: deliveries that waited here, and are the new cell's now",
    }
    fails_if = "the account cannot move as things are, or the file is not whole; the message says what to do"

    def add_arguments(self, parser: CommandParser) -> None:
        step = parser.add_mutually_exclusive_group(required=True)
        step.add_argument(
            "--out",
            nargs=2,
            metavar=("SID", "FILE"),
            help="In the old cell, once the router holds the account's reports: pause its postbacks, wait until "
            "nothing is under way, and write everything to FILE.",
        )
        step.add_argument("--in", metavar="FILE", dest="into", help="In the new cell: read FILE, all of it or nothing.")
        step.add_argument(
            "--resume",
            metavar="SID",
            help="In the new cell, send what waits from now on. In the old one, give up the move.",
        )
        step.add_argument(
            "--undo",
            metavar="FILE",
            help="In the new cell, before --resume: take out again what --in has read of FILE, except partners and "
            "networks, which others may use by now.",
        )
        step.add_argument(
            "--end",
            metavar="FILE",
            help="In the old cell, once the router sends the account's reports to the new one: revoke its tokens, "
            "switch off its event types and delete its postbacks.",
        )

    def handle(
        self,
        *,
        out: list[str] | None,
        into: str | None,
        resume: str | None,
        undo: str | None,
        end: str | None,
        **_: Any,
    ) -> None:
        try:
            if out:
                self._write(*out)
            elif into:
                size = Path(into).stat().st_size
                with Path(into).open("rb") as file, progress(size, what="read", unit="B", as_json=self.as_json) as bar:
                    moved = moving.read_in(cast("IO[bytes]", _Counted(file, bar)))
                self._tell(moved, "Read")
            elif resume:
                resumed = moving.go_on(resume)
                self.report({"account": resume, "resumed": resumed}, f"Resumed: {resumed}.")
            elif undo:
                tables = progress(len(KINDS), what="taken out", unit=" tables", as_json=self.as_json)
                with Path(undo).open("rb") as file, tables as bar:
                    rows = moving.undo(file, bar.update)
                self.report({"rows": rows}, "Taken out:\n" + _listed(rows))
            else:
                with Path(str(end)).open("rb") as file:
                    cancelled = moving.end(file)
                self.report({"cancelled": cancelled}, f"The account has left this cell. Cancelled here: {cancelled}.")
        except moving.CannotMoveError as error:
            raise CommandError(str(error)) from None
        except UnreadableFileError as error:
            raise CommandError(f"{into or undo or end}: {error} Nothing was changed.") from None
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}.", returncode=ExitCode.USAGE) from None

    def _write(self, account: str, name: str) -> None:
        path = Path(name)
        with (
            open(path, "xb", opener=_private) as file,
            progress(what="written", unit="B", as_json=self.as_json) as bar,
        ):
            try:
                moved = moving.write_out(account, cast("IO[bytes]", _Counted(file, bar)), PATIENCE_SECONDS)
            except BaseException:
                path.unlink()
                raise
        self._tell(moved, "Written")

    def _tell(self, moved: moving.Moved, done: str) -> None:
        lines = [
            f"{done}: account {moved.account}, programs {', '.join(map(str, moved.programs))}",
            _listed(moved.rows),
            f"Postbacks that wait for --resume: {moved.paused}",
        ]
        self.report(asdict(moved), "\n".join(lines))


def _listed(rows: Mapping[str, int]) -> str:
    return "\n".join(f"  {table:<32}{count:>12,}" for table, count in rows.items() if count)


def _private(name: str, flags: int) -> int:
    """The file holds personal data, and hashes of tokens."""
    return os.open(name, flags, 0o600)


@dataclass(frozen=True, slots=True)
class _Counted:
    """A file whose bytes move the bar."""

    file: IO[bytes]
    bar: tqdm[Any]

    def write(self, data: bytes) -> int:
        self.bar.update(len(data))
        return self.file.write(data)

    def readline(self) -> bytes:
        line = self.file.readline()
        self.bar.update(len(line))
        return line
