"""The project's settings with a data folder of the tests' own: they must never touch the data of a running copy.

Tests run in several processes, each with servers of its own, so that none finds what another has left.
"""

import os
from pathlib import Path
from urllib.parse import urlsplit

from config.environment import env

# In the environment, so that processes which tests start find the same servers.
os.environ.setdefault("POSTBACKS_DATA_DIR", str(Path(__file__).resolve().parent.parent / "var" / "test"))
if worker := os.environ.get("PYTEST_XDIST_WORKER", ""):
    folder = Path(os.environ["POSTBACKS_DATA_DIR"])
    os.environ["POSTBACKS_DATA_DIR"] = str(folder if folder.name == worker else folder / worker)
    # Servers that are given have a database for each process; pytest-django sees to PostgreSQL's.
    if redis_url := env.str("REDIS_URL", default=""):
        os.environ["REDIS_URL"] = urlsplit(redis_url)._replace(path=f"/{worker.removeprefix('gw')}").geturl()

from config.settings import *  # noqa: F403 -- only now that they will see the variable

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # A real one takes longer than most tests.
