"""Six digits by e-mail, for links that ask for them."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Final

from django.core.mail import EmailMessage
from django.db.models import F
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from portal.models import PortalSession

DIGITS: Final = 6
VALID: Final = timedelta(minutes=10)
_MOST_TRIES: Final = 5  # Of 10**6: guessing is hopeless, and a typing mistake is forgiven.


def send_code(session: PortalSession) -> None:
    """Sends a new code for this session to the link's address; one that was sent before counts no more.

    Raises OSError where the mail server is away or refuses.
    """
    code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
    session.code_hash, session.code_until, session.code_tries = _hash(session, code), timezone.now() + VALID, 0
    session.save(update_fields=["code_hash", "code_until", "code_tries"])
    minutes = round(VALID.total_seconds() / 60)
    text = (
        f"{code} is the code for your postbacks. It is valid for {minutes} minutes, in the browser window that asked "
        "for it.\n\nIf you did not ask for it, you need not do anything.\n"
    )
    EmailMessage("Your code", text, None, [session.link.email]).send()


def is_code(session: PortalSession, typed: str) -> bool:
    """Whether this is the code that was sent last for the session; counts the try."""
    rows = PortalSession.objects.filter(pk=session.pk, code_tries__lt=_MOST_TRIES, code_until__gt=timezone.now())
    if not rows.update(code_tries=F("code_tries") + 1):
        return False
    digits = "".join(typed.split())
    return bool(session.code_hash) and constant_time_compare(session.code_hash, _hash(session, digits))


def _hash(session: PortalSession, code: str) -> str:
    """With the server's key: a million codes are soon tried on a hash without one."""
    return salted_hmac("portal.code", f"{session.pk}:{code}", algorithm="sha256").hexdigest()
