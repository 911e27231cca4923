"""Sessions: begun when a link is opened, found again by a cookie, and never longer than their link."""

from __future__ import annotations

from datetime import timedelta
from http.cookies import Morsel
from typing import Final

from django.conf import settings
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from portal import links
from portal.history import note
from portal.models import PartnerLink, PortalSession
from portal.sessions.tries import forget_old
from value_types.secret_text import SecretText

COOKIE: Final = "portal_session"
PATH: Final = "/portal/"
TOKEN: Final = "token"  # noqa: S105 -- a name
"""The name of the field by which a form shows that it is one of this session's pages."""
# Python knows this attribute of cookies from 3.14 on.
Morsel._reserved.setdefault("partitioned", "Partitioned")  # type: ignore[attr-defined]  # noqa: SLF001 -- as above
Morsel._flags.add("partitioned")  # type: ignore[attr-defined]  # noqa: SLF001 -- as above
_LENGTH: Final = timedelta(hours=12)
_MOST_OF_A_LINK: Final = 100  # Scanners of mail open links too; the oldest sessions make room.


def begin(request: HttpRequest, response: HttpResponse, link: PartnerLink) -> PortalSession:
    """Begins a session with a new secret, whatever cookie the browser had, and gives it to the browser."""
    current = find(request)
    if current is not None:
        current.delete()
    secret = links.new_secret()
    ends_at = min(timezone.now() + _LENGTH, link.ends_at)
    session = PortalSession.objects.create(link=link, secret_sha256=links.hashed(secret), ends_at=ends_at)
    _make_room(link)
    if not link.password and not link.email:
        _note_opened(session)
    _give(request, response, secret)
    return session


def find(request: HttpRequest) -> PortalSession | None:
    """The session of the browser, with its link and whose it is, if both are in force."""
    secret = request.COOKIES.get(COOKIE, "")
    if not secret:
        return None
    rows = PortalSession.objects.select_related("link__partner", "link__media_source")
    return rows.filter(links.in_force("link__"), secret_sha256=links.hashed(secret), ends_at__gt=Now()).first()


def prove(request: HttpRequest, response: HttpResponse, session: PortalSession) -> None:
    """Notes that the browser knows what the link asks for, and gives it another secret: whoever knew the one before
    has nothing of it."""
    secret = links.new_secret()
    session.secret_sha256 = links.hashed(secret)
    session.code_hash, session.code_until = "", None
    session.save(update_fields=["secret_sha256", "code_hash", "code_until"])
    _note_opened(session)
    _give(request, response, secret)


def end(request: HttpRequest, response: HttpResponse) -> None:
    """Ends the session of the browser, if it has one."""
    session = find(request)
    if session is not None:
        session.delete()
    _give(request, response, SecretText(""), max_age=0)


def form_token(session: PortalSession) -> str:
    """What the forms of a session's pages carry. It needs no cookie of its own, so it works in a frame too; and it
    changes with the session's secret."""
    return salted_hmac("portal.form", session.secret_sha256, algorithm="sha256").hexdigest()


def is_own_form(request: HttpRequest, session: PortalSession) -> bool:
    """Whether a POST comes from one of the session's pages."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return False
    return constant_time_compare(request.POST.get(TOKEN, ""), form_token(session))


def _note_opened(session: PortalSession) -> None:
    link = session.link
    now = timezone.now()
    PortalSession.objects.filter(pk=session.pk).update(proven_at=now)
    PartnerLink.objects.filter(pk=link.pk).update(opened_at=now)
    session.proven_at = now
    note(link, link, "Opened.")


def _give(request: HttpRequest, response: HttpResponse, secret: SecretText, *, max_age: int | None = None) -> None:
    framed = bool(settings.PORTAL_FRAME_ORIGINS)
    response.set_cookie(
        COOKIE,
        str(secret),
        max_age=max_age,
        path=PATH,
        httponly=True,
        secure=framed or settings.HTTPS_ONLY or request.is_secure(),
        samesite="None" if framed else "Lax",
    )
    if framed:  # Each page that frames the portal gets a cookie of its own, which another one cannot use.
        response.cookies[COOKIE]["partitioned"] = True


def _make_room(link: PartnerLink) -> None:
    PortalSession.objects.filter(ends_at__lt=Now()).delete()
    kept = link.sessions.order_by("-pk").values_list("pk", flat=True)[:_MOST_OF_A_LINK]
    link.sessions.exclude(pk__in=list(kept)).delete()
    forget_old()
