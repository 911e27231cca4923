"""How soon each end of a connection to PostgreSQL notices that the other is gone without a word: a host that lost its
power or its network.

Otherwise Linux waits for more than two hours. So long the server would keep the locks of a host that is gone: those by
which a worker is known to be alive, and with them what it was sending.
"""

# For our end (libpq). `tcp_user_timeout` is in milliseconds.
OURS = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 15_000}
# For the server's end, by the names of its settings. It ignores them for a Unix socket.
THE_SERVERS = {
    "tcp_keepalives_idle": 10,
    "tcp_keepalives_interval": 5,
    "tcp_keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
