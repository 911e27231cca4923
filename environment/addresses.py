"""Where the embedded servers listen. It only computes paths and starts nothing, so the settings may import it.

Both servers listen only on Unix sockets, so no port can be in use already, and the folder of the sockets protects them:
it belongs to the user who starts them, and no other user may enter it.
"""

import hashlib
import os
from pathlib import Path

from environment.variables import data_dir, env

LOCALHOST = "127.0.0.1"  # For everything else that serves only this machine.

DATABASE_NAME = "postbacks"
DATABASE_USER = "postgres"


def is_embedded(url_variable: str) -> bool:
    """Tell whether the server that `url_variable` (`DATABASE_URL` or `REDIS_URL`) would name is embedded."""
    return not env.str(url_variable, default="").strip()


def embedded_servers() -> frozenset[str]:
    """Return which servers are embedded: none, either or both of `postgres` and `redis`."""
    wanted = {"postgres": "DATABASE_URL", "redis": "REDIS_URL"}
    return frozenset(name for name, variable in wanted.items() if is_embedded(variable))


def socket_dir() -> Path:
    """Return the folder of the sockets.

    The path of a socket has at most 107 bytes, 103 on macOS, which the folder of a project can exceed; and `TMPDIR`
    differs between shells, while all of them must find the same servers. Hence a short name directly under `/tmp`.
    """
    digest = hashlib.sha256(os.fsencode(data_dir())).hexdigest()[:12]
    return Path("/tmp") / f"postbacks-{os.getuid()}-{digest}"  # noqa: S108 -- private (0700) and verified by its maker


def redis_socket() -> Path:
    """Return the path of the Redis socket."""
    return socket_dir() / "redis.sock"
