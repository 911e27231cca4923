"""The environment of all processes of the benchmark, and its own data folder.

The benchmark empties tables, so it never uses a database that anything else uses: it always runs on embedded
servers, in a folder that it has marked as its own.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Figures must not depend on the `.env` of this checkout.
_PINNED = {
    "DATABASE_URL": "",
    "REDIS_URL": "",
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "SECRET_KEY": "",
    "POSTBACKS_ENCRYPTION_KEYS": "",
    "DEBUG": "false",
    "LOG_LEVEL": "INFO",
    "POSTBACKS_ALLOWED_NETWORKS": "127.0.0.0/8",
    "API_REQUESTS_PER_SECOND": "1000000",  # One token reports for all shops.
    "POSTBACKS_CONNECT_TIMEOUT": "5",
    "POSTBACKS_TOTAL_TIMEOUT": "15",
    "POSTBACKS_SHUTDOWN_TIMEOUT": "20",
}
_MARK = "of-the-benchmark"


class UnusableFolderError(Exception):
    """The data folder does not belong to the benchmark, or another benchmark is using it."""


def prepare() -> Path:
    """Sets the environment and returns the data folder: `POSTBACKS_DATA_DIR`, by default `var/bench`.

    Call this before anything reads settings. Raises UnusableFolderError.
    """
    os.environ.update(_PINNED)
    os.environ.setdefault("POSTBACKS_DATA_DIR", "var/bench")
    os.chdir(ROOT)
    folder = (ROOT / Path(os.environ["POSTBACKS_DATA_DIR"]).expanduser()).resolve()
    mark = folder / _MARK
    if not mark.exists():
        if folder.exists() and any(folder.iterdir()):
            raise UnusableFolderError(
                f"{folder} contains data that is not the benchmark's, and the benchmark would delete it. "
                "Set POSTBACKS_DATA_DIR to an empty folder, or leave it unset."
            )
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _take(mark)
    return folder


def _take(mark: Path) -> None:
    """Locks the folder while this process lives."""
    descriptor = os.open(mark, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UnusableFolderError(f"Another benchmark is running in {mark.parent}.") from None
