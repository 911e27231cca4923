"""Who asks: a program with the token of a link, as often in a second as any other."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja.security import HttpBearer

from actions.api.answers import error
from actions.api.authority import TooManyRequestsError, allowance_of
from actions.api.rate import count
from portal.models import PartnerLink
from portal.scope import Scope
from portal.tokens import link_of_token
from postbacks.api.refusals import RefusedError


class NoLinkError(Exception):
    """The request brings no token of a link that is in force."""


class LinkToken(HttpBearer):
    """A link's token. Its link must have the `rights`. Raises NoLinkError, TooManyRequestsError and RefusedError."""

    def __init__(self, *rights: str) -> None:
        super().__init__()
        self.rights = rights

    def __call__(self, request: HttpRequest) -> Any:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        return self.authenticate(request, token.strip() if kind.lower() == "bearer" else "")

    def authenticate(self, request: HttpRequest, token: str) -> PartnerLink:
        link = link_of_token(token)
        if link is None:
            raise NoLinkError
        allowance = count(f"link:{link.pk}")
        allowance_of(request, allowance)
        if allowance.is_exceeded:
            raise TooManyRequestsError(allowance)
        require(link, *self.rights)
        return link


def require(link: PartnerLink, *rights: str) -> None:
    """Raises RefusedError unless the link has all of them."""
    for right in rights:
        if right not in link.rights:
            label = PartnerLink.Right(right).label
            raise RefusedError(403, f"This link lacks the right “{label}”. Ask who has given it to you.")


def scope_of(request: HttpRequest) -> Scope:
    """What the request's link sees."""
    link = getattr(request, "auth", None)
    if not isinstance(link, PartnerLink):
        raise TypeError("The address is not behind a link's token.")
    return Scope(link)


def answer_no_link(request: HttpRequest, _error: Any) -> HttpResponse:
    """The same whether there is no token, or it is unknown, ended or revoked."""
    response = error(request, 401, "The token of a link in force is needed: Authorization: Bearer pl_….")
    response.headers["WWW-Authenticate"] = 'Bearer realm="partner API"'
    return response
