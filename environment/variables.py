"""The environment as every part of the project reads it: the process environment, then the file `.env`.

It is separate from the settings because the embedded services start before Django loads them.
"""

from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured


def _started_in() -> Path:
    try:
        return Path.cwd()
    except OSError as error:
        raise ImproperlyConfigured("The current folder does not exist any more: change to another one.") from error


def _read(file: Path) -> None:
    """Read the variables of `file`, if there is one. One that is there and cannot be read must not count as absent."""
    try:
        with file.open(encoding="utf-8") as lines:
            env.read_env(lines)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return
    except OSError as error:
        raise ImproperlyConfigured(f"{file} cannot be read: {error.strerror}. Let this user read it.") from error
    except UnicodeDecodeError as error:
        raise ImproperlyConfigured(f"{file} is not UTF-8. Save it as UTF-8.") from error


_CODE = Path(__file__).resolve().parent.parent
IS_CHECKOUT = (_CODE / "manage.py").is_file()
# In a checkout, the checkout, so that a command means the same wherever it is started. An installed package sits among
# others, where nothing may be written; then it is the folder in which the program is started.
BASE_DIR = _CODE if IS_CHECKOUT else _started_in()

env = environ.Env()
_read(BASE_DIR / ".env")


def data_dir() -> Path:
    """Return the absolute, real path of the folder for all data of this copy (`POSTBACKS_DATA_DIR`).

    A relative value is relative to `BASE_DIR`.
    """
    return (BASE_DIR / Path(env.str("POSTBACKS_DATA_DIR", default="") or "var").expanduser()).resolve()
