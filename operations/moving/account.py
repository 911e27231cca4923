"""The steps by which an account moves from one cell to another. docs/cells.md has the order, and what is to be done
at the router."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any, Final

from django.db import IntegrityError, connection, models, transaction
from django.db.models import Max, Q
from django.utils import timezone

from actions.models import ActionEvent, ApiToken, QueuedReport
from operations.migrations import APPLIED
from operations.moving import file as files
from operations.moving.rows import KINDS
from partners.models import ActionTracker, Program
from postbacks.credentials.secrets.cipher import SecretUnreadableError, decrypt, encrypt
from postbacks.lifecycle import delete_postback, pause, resume
from postbacks.models import Delivery, Postback, PutAside, ReplayItem

REASON: Final = "Paused while its account moves to another cell."
ARRIVED: Final = "Paused since its account came from another cell."
_SEALED: Final = "of the cell that the account leaves"
# Triggers guard against what processes of the previous release write. These rows have passed them once.
_KNOWS: Final = "SET LOCAL postbacks.knows_queue = 'yes'; SET LOCAL postbacks.judges = 'conditions'"
_LOOK_SECONDS: Final = 0.2


class CannotMoveError(Exception):
    """The account cannot move as things are; the text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What was done: rows by table, and the postbacks that are paused for it."""

    account: str
    programs: list[int]
    rows: dict[str, int]
    paused: int


def programs_of(account: str) -> list[int]:
    """The programs that the account's tokens are for. Raises CannotMoveError if some are for all, or shared."""
    tokens = list(ApiToken.objects.filter(account_sid=account))
    if not tokens:
        raise CannotMoveError(f"No token has the AccountSID {account}.")
    in_force = [token for token in tokens if token.revoked_at is None]
    if not in_force or any(token.program_ids is None for token in in_force):
        raise CannotMoveError(
            f"Tokens of {account} must be for programs of their own: make them with "
            "`create_api_token NAME --own-account --program ID`, and revoke those that are for all."
        )
    programs = sorted({program for token in in_force for program in token.program_ids or ()})
    others = ApiToken.objects.filter(revoked_at=None).exclude(account_sid=account)
    if shared := others.filter(program_ids__overlap=programs).first():
        raise CannotMoveError(f"The token {shared.name} of another account is for the same programs. Revoke it first.")
    return programs


def write_out(account: str, file: IO[bytes], patience_seconds: float) -> Moved:
    """Pauses the account's postbacks, waits until nothing of it is under way, and writes its rows. Raises
    CannotMoveError; the postbacks then stay paused."""
    programs = programs_of(account)
    if ReplayItem.objects.filter(action__program_id__in=programs).exists():
        raise CannotMoveError("A replay of these programs is running. Wait until it has ended, or cancel it.")
    for postback in _postbacks(programs).filter(paused_at=None):
        pause(postback, REASON)
    _wait_until_still(account, programs, patience_seconds)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        if what := _under_way(account, programs):
            raise CannotMoveError(f"{what} Does the router still send reports of {account} here?")
        about = files.About(account, programs, last_event(programs), _migrations(), encrypt(_SEALED))
        rows = files.write(cursor.cursor, about, file)
        paused = _postbacks(programs).filter(pause_reason=REASON).count()
    return Moved(account, programs, rows, paused)


def read_in(file: IO[bytes]) -> Moved:
    """Reads an account's rows, all or none; its postbacks stay paused. Raises CannotMoveError or
    UnreadableFileError."""
    about = files.about(file)
    if sorted(about.migrations) != _migrations():
        raise CannotMoveError("The cells run different releases. Bring both to the same one, and write the file again.")
    try:
        decrypt(about.sealed)
    except SecretUnreadableError:
        raise CannotMoveError(
            "This cell lacks the key of the postbacks' secrets. Add the other cell's to POSTBACKS_ENCRYPTION_KEYS."
        ) from None
    taken = Program.objects.filter(pk__in=about.programs).values_list("pk", flat=True)
    if taken:
        raise CannotMoveError(f"There are programs with these ids already: {', '.join(map(str, taken))}.")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_KNOWS)
        rows = files.read(cursor.cursor, file)
    # The file has the reason of the cell that wrote it. This one tells `undo` which of the two cells it is in.
    paused = _postbacks(about.programs).filter(pause_reason=REASON).update(pause_reason=ARRIVED)
    return Moved(about.account, about.programs, rows, paused)


@transaction.atomic
def undo(file: IO[bytes], after_each: Callable[[], object] = lambda: None) -> dict[str, int]:
    """In the new cell, as long as nothing goes on there: deletes what `read_in` has read of this file, without partners
    and networks; calls `after_each` table. Returns how many rows of each.

    Raises CannotMoveError or UnreadableFileError.
    """
    about = files.about(file)
    if not _postbacks(about.programs).filter(pause_reason=ARRIVED).exists():
        raise CannotMoveError(f"Nothing of {about.account} has come here and waits for --resume.")
    if _postbacks(about.programs).filter(paused_at=None).exists():
        raise CannotMoveError(f"Postbacks of {about.account} are no longer paused here. It cannot be taken out again.")
    if _has_come(about):
        raise CannotMoveError(
            f"Something was reported here after the file was read: nothing else has it. Go on with --resume "
            f"{about.account}, or report it again in the other cell first."
        )
    values: dict[str, Any] = {"programs": about.programs, "account": about.account}
    deleted = {}
    with connection.cursor() as cursor:
        try:
            for kind in reversed(KINDS):
                if not kind.shared:
                    cursor.execute(f'DELETE FROM "{kind.table}" WHERE {kind.which}', values)  # noqa: S608 -- constants
                    deleted[kind.table] = cursor.rowcount
                after_each()
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        except IntegrityError as error:
            raise CannotMoveError(f"Something that was made here belongs to it; delete that first. {error}") from None
    return deleted


def go_on(account: str) -> int:
    """Resumes the postbacks that were paused for the move; returns how many. In the new cell after the move, in the
    old one to give it up."""
    reasons = [REASON, ARRIVED]
    paused = list(_postbacks(programs_of(account)).filter(pause_reason__in=reasons, paused_at__isnull=False))
    for postback in paused:
        resume(postback)
    return len(paused)


@transaction.atomic
def end(file: IO[bytes]) -> int:
    """In the old cell, once the new one has read the file: revokes the account's tokens, switches its event types off,
    and deletes its postbacks. Returns how many waiting deliveries were cancelled here. Raises CannotMoveError if
    something was reported after the file was written."""
    about = files.about(file)
    if _has_come(about):
        raise CannotMoveError(
            f"Something was reported here after the file was written. Have the router hold {about.account}, take the "
            "account out of the new cell with --undo, and write the file again."
        )
    ApiToken.objects.filter(account_sid=about.account, revoked_at=None).update(revoked_at=timezone.now())
    ActionTracker.objects.filter(program_id__in=about.programs).update(active=False)
    return sum(delete_postback(postback) for postback in _postbacks(about.programs))


def last_event(programs: list[int]) -> int:
    """The highest id of a reported event of these programs; 0 without any. Not of those that time brings, which both
    cells have."""
    reported = ActionEvent.objects.exclude(kind__in=[ActionEvent.Kind.LOCKED, ActionEvent.Kind.CLEARED])
    found = reported.filter(action__program_id__in=programs).aggregate(last=Max("pk"))
    return int(found["last"] or 0)


def _has_come(about: files.About) -> bool:
    """Whether anything was reported in this cell that is not in the file."""
    is_queued = QueuedReport.objects.filter(token__account_sid=about.account).exists()
    return is_queued or last_event(about.programs) > about.last_event


def _wait_until_still(account: str, programs: list[int], patience_seconds: float) -> None:
    until = time.monotonic() + patience_seconds
    while what := _under_way(account, programs):
        if time.monotonic() > until:
            raise CannotMoveError(f"{what} Run the command again, or give up with --resume.")
        time.sleep(_LOOK_SECONDS)


def _under_way(account: str, programs: list[int]) -> str:
    """What would be lost or doubled; empty if nothing is."""
    if QueuedReport.objects.filter(token__account_sid=account).exists():
        return "Reports that were answered are not recorded yet."
    ours = Q(postback__action_tracker__program_id__in=programs)
    if sending := Delivery.objects.filter(ours, state=Delivery.State.SENDING).count():
        return f"{sending} requests are under way."
    if PutAside.objects.filter(postback_id__in=_postbacks(programs).values("pk")).exists():
        return "Deliveries that the previous release made are not judged yet."
    return ""


def _postbacks(programs: list[int]) -> models.QuerySet[Postback]:
    return Postback.objects.existing().filter(action_tracker__program_id__in=programs).order_by("pk")


def _migrations() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(APPLIED)
        return sorted(f"{app}.{name}" for app, name in cursor.fetchall())
