"""What one of the processes that share a run makes for all of them: the test database, and the compiled tests.

All migrations take a processor six seconds, and a new cluster two; a copy of its files takes a fraction of one. pytest
compiles all tests in nine. A process that runs alone, and servers that are given by URL, keep to what pytest and
pytest-django do.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from devtools import embedded
from devtools.embedded import locks
from devtools.embedded.postgres import postgres_dir

_NAME = "test_postbacks"
_RUN = "PYTEST_XDIST_TESTRUNUID"  # The same in all processes of a run, and another one in the next run.


@contextmanager
def compiled() -> Iterator[None]:
    """In a fresh checkout, the first process to come here collects the tests while the others wait for its files."""
    common = _common()
    if _RUN not in os.environ or sys.dont_write_bytecode or _has_compiled_tests():
        yield
        return
    with locks.exclusive(common / "compiled.lock"):
        if not _has_compiled_tests():
            yield
            return
    yield


def _has_compiled_tests() -> bool:
    """Of the file that is collected last."""
    last = max(Path(__file__).resolve().parent.parent.rglob("test_*.py"))
    return any((last.parent / "__pycache__").glob(f"{last.stem}.*-pytest-*.pyc"))


def _common() -> Path:
    common = Path(settings.DATA_DIR).parent
    common.mkdir(parents=True, exist_ok=True)
    return common


def prepare() -> None:
    """Put a cluster with a migrated database into this process's data folder, if it shares its run with others.

    Call it before the servers start, with the database unblocked.
    """
    if _RUN not in os.environ or not settings.DATABASE_IS_EMBEDDED:
        return
    common = _common()
    with locks.exclusive(common / "made.lock"):
        is_first = not _is_made(common)
        if is_first:
            _make(common)
    if not is_first:
        _take(common)
    # For pytest-django, which finds a database that is there already.
    connection.creation.create_test_db = _use_it  # type: ignore[method-assign]
    connection.creation.destroy_test_db = _leave_it  # type: ignore[method-assign]


def _is_made(common: Path) -> bool:
    mark = common / "made" / "run"
    return mark.exists() and mark.read_text() == os.environ[_RUN]


def _make(common: Path) -> None:
    shutil.rmtree(common / "made", ignore_errors=True)
    _begin_anew()
    with embedded.services():
        with connection.creation._nodb_cursor() as cursor:  # type: ignore[attr-defined] # as Django makes databases itself
            # No test ends the server that it shares with others, and a machine that fails ends the run as well.
            for name in ("fsync", "full_page_writes"):
                cursor.execute(f"ALTER SYSTEM SET {name} = off")
            cursor.execute("SELECT pg_reload_conf()")
        connection.settings_dict["TEST"]["NAME"] = _NAME
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        connection.close()
    shutil.copytree(postgres_dir(), common / "made" / "postgres", symlinks=True)
    (common / "made" / "run").write_text(os.environ[_RUN])


def _take(common: Path) -> None:
    _begin_anew()
    shutil.copytree(common / "made" / "postgres", postgres_dir(), symlinks=True)


def _begin_anew() -> None:
    """Without servers and data of a run that was killed, or of the one before."""
    if (embedded.run_dir() / "services.pid").exists():
        with embedded.services():
            """The last to leave stops them."""
    shutil.rmtree(postgres_dir(), ignore_errors=True)


def _use_it(*_: Any, **__: Any) -> str:
    settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = _NAME
    return _NAME


def _leave_it(*_: Any, **__: Any) -> None:
    """The next run begins anew."""
    connection.close()
