"""The environment as every part of the project reads it: the process environment, then the file `.env`.

It is separate from the settings because the embedded services start before Django loads them.
"""

from pathlib import Path

import environ

_CODE = Path(__file__).resolve().parent.parent
# In a checkout, the checkout, so that a command means the same wherever it is started. An installed package sits among
# others, where nothing may be written; then it is the folder in which the program is started.
BASE_DIR = _CODE if (_CODE / "manage.py").is_file() else Path.cwd()

env = environ.Env()
env.read_env(str(BASE_DIR / ".env"))


def data_dir() -> Path:
    """Return the absolute, real path of the folder for all data of this copy (`POSTBACKS_DATA_DIR`).

    A relative value is relative to `BASE_DIR`.
    """
    return (BASE_DIR / Path(env.str("POSTBACKS_DATA_DIR", default="") or "var").expanduser()).resolve()
