"""The project's settings with a data folder of the tests' own: they must never touch the data of a running copy.

Tests run in several processes, each with servers of its own, so that none finds what another has left.
"""

import os
from pathlib import Path
from urllib.parse import urlsplit

from environment.variables import env

# In the environment, so that processes which tests start find the same servers.
os.environ.setdefault("POSTBACKS_DATA_DIR", str(Path(__file__).resolve().parent.parent / "var" / "test"))
# Tests wait for the output of those processes, which must not stay in a buffer.
os.environ["PYTHONUNBUFFERED"] = "1"
os.environ["OBJC_DISABLE_INITIALIZE_FORK_SAFETY"] = "YES"  # See devtools/up/programs.py.
worker = os.environ.get("PYTEST_XDIST_WORKER", "")
if worker != os.environ.get("TESTS_HAVE_SERVERS_OF", ""):  # Processes that tests start keep what the tests give them.
    os.environ["TESTS_HAVE_SERVERS_OF"] = worker
    os.environ["POSTBACKS_DATA_DIR"] = str(Path(os.environ["POSTBACKS_DATA_DIR"]) / worker)
    # Servers that are given have a database for each process; pytest-django sees to PostgreSQL's.
    if env.str("REDIS_URL", default="").startswith("redis"):
        os.environ["REDIS_URL"] = urlsplit(env.str("REDIS_URL"))._replace(path=f"/{worker[2:]}").geturl()

from config.settings import *  # noqa: E402, F403 -- only now that they will see the variables

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # A real one takes longer than most tests.

# Tables are emptied after a test while workers may still read them. In a deadlock, PostgreSQL refuses the process that
# checks first: the workers, which try again. A commit does not wait for the disk: no test ends the server
# that it shares with others.
if DATABASE_IS_EMBEDDED:  # noqa: F405 -- of the settings; only there the tests' user may set it
    options = "-c deadlock_timeout=10s -c synchronous_commit=off"
    DATABASES["default"]["OPTIONS"]["options"] = options  # noqa: F405 -- of the settings

# Otherwise each client of a test looks for all static files first, which takes longer than most pages.
WHITENOISE_AUTOREFRESH = True
