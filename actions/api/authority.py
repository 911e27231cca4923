"""Who asks: HTTP Basic with the account's SID and a token, which may be used so many times a second."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja.security import HttpBasicAuth

from actions.api.rate import Allowance, count
from actions.api.tokens import find_token
from actions.models import ApiToken


class TooManyRequestsError(Exception):
    """The token has used up its second."""

    def __init__(self, allowance: Allowance) -> None:
        super().__init__(f"More than {allowance.limit:,} requests in one second; go on in the next.")
        self.allowance = allowance


class AccountToken(HttpBasicAuth):
    """The token whose account is the one of the address. Raises TooManyRequestsError."""

    def authenticate(self, request: HttpRequest, username: str, password: str) -> Any:
        match = request.resolver_match
        if match is None or match.kwargs.get("account_sid") != username:
            return None
        token = find_token(username, password)
        if token is None:
            return None
        allowance = count(token.pk)
        allowance_of(request, allowance)
        if allowance.is_exceeded:
            raise TooManyRequestsError(allowance)
        return token


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
