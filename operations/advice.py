"""What to do about an error of PostgreSQL or Redis, by words of its message. No advice names a host or a user."""

from __future__ import annotations

Advice = tuple[tuple[str, str], ...]

DATABASE: Advice = (
    ("password authentication failed", "Correct the user and the password in DATABASE_URL."),
    ("no password supplied", "Add the password to DATABASE_URL."),
    ("does not exist", "Create the user and the database that DATABASE_URL names, or correct their names."),
    ("could not translate host name", "Correct the host name in DATABASE_URL."),
    ("Connection refused", "Start PostgreSQL, or correct host and port in DATABASE_URL."),
    ("No such file or directory", "Start PostgreSQL, or give its host in DATABASE_URL."),
    ("timeout expired", "Check that the host answers and that no firewall drops packets to its port."),
    ("no answer within", "Check that the host answers and that no firewall drops packets to its port."),
    ("too many clients", "Raise max_connections of PostgreSQL, or run fewer processes."),
    ("starting up", "PostgreSQL is recovering; wait until it has finished."),
)
# By the client's message, which omits most error codes of Redis.
REDIS: Advice = (
    ("uthenticat", "Add the password to REDIS_URL: redis://:password@host:6379/0."),
    ("invalid username-password", "Correct the user and the password in REDIS_URL."),
    ("no permissions", "Allow this Redis user all commands on all keys."),
    ("used memory >", "Raise maxmemory of Redis, or remove other data from it."),
    ("MISCONF", "Redis cannot write to its disk: check its log and the free space."),
    ("read only replica", "Set REDIS_URL to the primary server."),
    ("loading the dataset", "Redis is loading its data; wait until it has finished."),
    ("Name or service not known", "Correct the host name in REDIS_URL."),
    ("refused", "Start Redis, or correct host and port in REDIS_URL."),
    ("imeout", "Check that the host answers, and that no firewall drops packets; a TLS port needs rediss://."),
    ("CERTIFICATE", "Give the certificate of the CA: rediss://…?ssl_ca_certs=/path/ca.pem."),
)


def fix_of(error: BaseException, advice: Advice, otherwise: str) -> str:
    """Return what to do about `error`; `otherwise` if its message is not a known one."""
    said = " ".join(str(error).split())
    return next((fix for words, fix in advice if words in said), otherwise)
