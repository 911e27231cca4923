"""The environment as every part of the project reads it: the process environment, then the file `.env`.

It stands apart from the settings because the embedded services are started before Django loads them.
"""

from pathlib import Path

import environ

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
env.read_env(str(BASE_DIR / ".env"))


def data_dir() -> Path:
    """Return the absolute, real path of the folder for everything that this copy keeps (`POSTBACKS_DATA_DIR`).

    A relative value counts from the project's folder, so that it means the same wherever a command is started.
    """
    return (BASE_DIR / Path(env.str("POSTBACKS_DATA_DIR", default="") or "var").expanduser()).resolve()
