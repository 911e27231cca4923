"""The environment as every part of the project reads it: the process environment, then the file `.env`.

It stands apart from the settings because the embedded services are started before Django loads them.
"""

from pathlib import Path

import environ

_CODE = Path(__file__).resolve().parent.parent
# In a checkout the checkout, so that a command means the same wherever it is started. An installed package lies among
# others, where nothing may be written: there it is the folder in which a program is started.
BASE_DIR = _CODE if (_CODE / "manage.py").is_file() else Path.cwd()

env = environ.Env()
env.read_env(str(BASE_DIR / ".env"))


def data_dir() -> Path:
    """Return the absolute, real path of the folder for everything that this copy keeps (`POSTBACKS_DATA_DIR`).

    A relative value counts from `BASE_DIR`.
    """
    return (BASE_DIR / Path(env.str("POSTBACKS_DATA_DIR", default="") or "var").expanduser()).resolve()
