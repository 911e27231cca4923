"""Who is changing something at this moment: the user of the request, or else the program."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase

COMMAND_LINES: Final = ("manage.py", "partner-postbacks", "command_line.py")
"""The programs whose first argument is what was really run; see `config.command_line`."""
_USER: Final[ContextVar[Any]] = ContextVar("user", default=None)


def remember_user(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware, after that which finds out who is signed in."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        before = _USER.set(request.user)  # Not looked up before somebody changes something.
        try:
            return get_response(request)
        finally:
            _USER.reset(before)

    return middleware


def sign(instance: Any, **_signal: Any) -> None:
    """Writes it on an entry of the history that is about to be saved. The name is kept should the user be deleted."""
    user = _USER.get()
    if user is not None and user.is_authenticated:
        instance.actor = user
        by = user.get_username()
    else:
        by = _program()
    instance.additional_data = {**(instance.additional_data or {}), "by": by}


def _program() -> str:
    """Such as `load_config, run by deploy`."""
    path, argument = Path(sys.argv[0]), (*sys.argv[1:], "")[0]
    named = {**dict.fromkeys(COMMAND_LINES, argument), "__main__.py": path.parent.name}
    command = named.get(path.name, path.name)
    try:
        return f"{command}, run by {getpass.getuser()}"
    except (OSError, KeyError):  # An account without a name, as in some containers.
        return command
