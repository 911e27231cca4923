"""PostgreSQL refuses to run as root, so root runs it as an ordinary user.

That user is the owner of the data; for data that root creates, `nobody`. The data may be where that user has no access
(`/root` is closed to others). We open none of root's folders: instead, PostgreSQL keeps one of root's capabilities, to
pass through closed folders (`CAP_DAC_OVERRIDE`), which `setpriv` of util-linux grants.
"""

import os
import pwd
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from devtools.embedded.errors import EmbeddedError

DROP_WITHOUT_SETPRIV = (
    "import os, sys; user, group = int(sys.argv[1]), int(sys.argv[2]); "
    "os.setgroups([]); os.setgid(group); os.setuid(user); os.execv(sys.argv[3], sys.argv[3:])"
)


def hand_over(folder: Path) -> None:
    """Give the new `folder` to the user who runs PostgreSQL for root; do nothing for other users."""
    if os.getuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)


def drop_root(folder: Path, program: Path) -> list[str]:
    """Return what to put before `program` so that it runs as the owner of `folder`: nothing unless we are root.

    Raises `EmbeddedError` if another user owns the folder and we are not root, or if its owner cannot reach either.
    """
    owner = folder.stat()
    if os.getuid() != 0:
        if owner.st_uid != os.getuid():
            raise EmbeddedError(
                f"{folder} belongs to another user. Run as that user or as root, or set POSTBACKS_DATA_DIR."
            )
        return []
    prefix = _prefix(owner.st_uid, owner.st_gid)
    for path, right in ((folder, "-w"), (program, "-x")):
        reached = subprocess.run([*prefix, "/bin/sh", "-c", f'test {right} "$0"', str(path)], check=False)  # noqa: S603
        if reached.returncode:
            raise EmbeddedError(
                f"PostgreSQL refuses to run as root, and the user who runs it for root cannot reach {path}. Install "
                "setpriv (util-linux), or move the project and POSTBACKS_DATA_DIR to folders that are open to others, "
                "or run as another user."
            )
    return prefix


def keeps_capability() -> bool:
    """Return whether root can pass on the capability, and so keep the folder of the sockets closed to all others."""
    return _setpriv(65534, 65534) is not None


def _prefix(uid: int, gid: int) -> list[str]:
    plain = [sys.executable, "-c", DROP_WITHOUT_SETPRIV, str(uid), str(gid)]
    return _setpriv(uid, gid) or plain


@cache
def _setpriv(uid: int, gid: int) -> list[str] | None:
    found = shutil.which("setpriv")
    if found is None:
        return None
    user = [f"--reuid={uid}", f"--regid={gid}", "--clear-groups"]
    capability = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    # PostgreSQL checks its own binaries with access(2), which respects capabilities only with this bit set.
    command = [found, *user, *capability, "--securebits=+no_setuid_fixup", "--"]
    works = subprocess.run([*command, "/bin/sh", "-c", ":"], capture_output=True, check=False)  # noqa: S603
    return command if works.returncode == 0 else None
