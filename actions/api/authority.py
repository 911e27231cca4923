"""Who asks: HTTP Basic with the account's SID and a token, which has scopes and may be used so many times a second."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja.security import HttpBasicAuth

from actions.api.rate import Allowance, count
from actions.api.rights import Scope, require
from actions.api.tokens import find_token
from actions.intake.catch_up import wait_for_queued
from actions.models import ApiToken


class TooManyRequestsError(Exception):
    """The token has used up its second."""

    def __init__(self, allowance: Allowance) -> None:
        super().__init__(f"More than {allowance.limit:,} requests in one second; go on in the next.")
        self.allowance = allowance


class AccountToken(HttpBasicAuth):
    """A token of the account, which is also that of the address if the address names one.

    It must have one of `scopes`; without them, what the method needs: `read` for GET, `report` for all others. Raises
    TooManyRequestsError and ScopeMissingError.
    """

    def __init__(self, *scopes: Scope) -> None:
        super().__init__()
        self.scopes = scopes

    def authenticate(self, request: HttpRequest, username: str, password: str) -> Any:
        match = request.resolver_match
        if match is None or match.kwargs.get("account_sid", username) != username:
            return None
        token = find_token(username, password)
        if token is None:
            return None
        allowance = count(token.pk)
        allowance_of(request, allowance)
        if allowance.is_exceeded:
            raise TooManyRequestsError(allowance)
        require(token, *self.needed(request.method or ""))
        if request.method == "GET" and "account_sid" in match.kwargs:
            wait_for_queued()  # A reader sees what was answered before.
        return token

    def needed(self, method: str) -> tuple[Scope, ...]:
        """The scopes of which a request by this method needs one."""
        return self.scopes or ((Scope.READ,) if method in ("GET", "HEAD") else (Scope.REPORT,))


def allowance_of(request: HttpRequest, new: Allowance | None = None) -> Allowance | None:
    """What the request's token may still do, once it is known; with `new`, note it."""
    if new is not None:
        request.META["api.allowance"] = new
    found: Allowance | None = request.META.get("api.allowance")
    return found


def token_of(request: HttpRequest) -> ApiToken:
    """The token that the request came with."""
    token = getattr(request, "auth", None)
    if not isinstance(token, ApiToken):
        raise TypeError("The address is not behind a token.")
    return token
