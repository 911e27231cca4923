"""How the project's programs are called: by the user, for messages that name one, and by the project itself."""

import sys

from environment.variables import IS_CHECKOUT

PROGRAM = "python manage.py" if IS_CHECKOUT else "partner-postbacks"

PYTHON = [sys.executable] if IS_CHECKOUT else [sys.executable, "-P"]
"""Runs `-m` with a module of the project. Of a package without the current folder (`-P`): that is the operator's, and a
`partners.py` there would go before ours."""


def command(line: str) -> str:
    """Return a command as the user would type it, such as `partner-postbacks migrate`."""
    return f"{PROGRAM} {line}"
