"""Who is making a change: the token, the partner's link or the user of the request, or else the program."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from actions.models import ApiToken
from partners.opened_with import FORM_ID
from portal.models import PartnerLink

COMMAND_LINES: Final = ("manage.py", "partner-postbacks", "command_line.py")
"""The programs whose first argument is the actual command; see `config.command_line`."""
_REQUEST: Final[ContextVar[HttpRequest | None]] = ContextVar("request", default=None)


def remember_user(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware that remembers the request, and so its user; it comes after authentication."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        before = _REQUEST.set(request)  # Who it is from is looked up only when something changes.
        try:
            return get_response(request)
        finally:
            _REQUEST.reset(before)

    return middleware


def sign(instance: Any, **_signal: Any) -> None:
    """Adds the author to an entry about to be saved. The name stays even if the user is deleted."""
    request = _REQUEST.get()
    token = getattr(request, "auth", None)  # The API and the portal set it.
    user: Any = getattr(request, "user", None)
    if isinstance(token, ApiToken | PartnerLink):
        by = token.author
    elif user is not None and user.is_authenticated:
        instance.actor = user
        by = user.get_username()
    else:
        by = _program()
    form_id = getattr(request, FORM_ID, "")  # By which a form that is sent twice finds what it has added.
    form = {"form": form_id} if form_id else {}
    instance.additional_data = {**(instance.additional_data or {}), "by": by, **form}


def _program() -> str:
    """The program, such as `load_config, run by deploy`."""
    path, argument = Path(sys.argv[0]), (*sys.argv[1:], "")[0]
    named = {**dict.fromkeys(COMMAND_LINES, argument), "__main__.py": path.parent.name}
    command = named.get(path.name, path.name)
    try:
        return f"{command}, run by {getpass.getuser()}"
    except (OSError, KeyError):  # An account without a name, as in some containers.
        return command
