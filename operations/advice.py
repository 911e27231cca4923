"""What to do about an error of PostgreSQL, Redis or the broker, by words of it. No advice names a host or a user."""

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
# Of RabbitMQ and SQS.
BROKER: Advice = (
    ("ACCESS_REFUSED", "Correct the user and the password in CELERY_BROKER_URL."),
    ("NOT_ALLOWED", "Make the virtual host that CELERY_BROKER_URL names, and allow the user to use it."),
    ("403", "Allow the user to use the virtual host in CELERY_BROKER_URL."),
    ("inequivalent arg", "Delete the queue, which has other options: workers make it anew."),
    ("Name or service not known", "Correct the host name in CELERY_BROKER_URL."),
    ("refused", "Start the broker, or correct host and port in CELERY_BROKER_URL."),
    ("imed out", "Check that the host answers, and that no firewall drops packets; a TLS port needs amqps://."),
    ("CERTIFICATE", "Have the host trust the authority of RabbitMQ's certificate."),
    ("No module named", "Install what SQS needs: pip install 'partner-postbacks[sqs]'."),
    ("boto3", "Install what SQS needs: pip install 'partner-postbacks[sqs]'."),
    ("Unable to locate credentials", "Give the process a role of AWS, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."),
    ("InvalidClientTokenId", "Correct AWS_ACCESS_KEY_ID, or the role of the process."),
    ("SignatureDoesNotMatch", "Correct AWS_SECRET_ACCESS_KEY."),
    ("AccessDenied", "Allow the role to make and read the queue, as docs/brokers.md lists."),
)


def fix_of(error: BaseException, advice: Advice, otherwise: str) -> str:
    """Return what to do about `error`; `otherwise` if its message is not a known one."""
    said = " ".join(str(error).split())
    return next((fix for words, fix in advice if words in said), otherwise)
