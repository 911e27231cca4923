"""Tokens: made once, shown once, known by their hash."""

from __future__ import annotations

import hashlib
import secrets
import string
from collections.abc import Collection, Sequence
from datetime import timedelta

from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from actions.models import ApiToken
from actions.models.tokens import sealed, usual_scopes

NOTED_EACH = timedelta(minutes=1)  # How exactly the last use is known; more would be a write for each request.
_SID_LETTERS = string.ascii_letters + string.digits

# Each request asks; putting such a statement together anew takes Django ten times as long as asking it.
_FIELDS = [field.attname for field in ApiToken._meta.concrete_fields]  # noqa: SLF001 -- Django's documented interface
FIND = f"""
SELECT {", ".join(_FIELDS)} FROM actions_apitoken
WHERE token_sha256 IN (%s, %s) AND account_sid = %s AND revoked_at IS NULL
"""  # noqa: S608 -- columns of ours


def create_token(
    name: str,
    *,
    scopes: Collection[str] | None = None,
    programs: Sequence[int] | None = None,
    own_account: bool = False,
    account_sid: str = "",
) -> tuple[ApiToken, str]:
    """A new token of the account and its text, which cannot be had again.

    Without `scopes` it has the usual ones, without `programs` it is for all. With `own_account` it has an account of
    its own: a new one, or that of `account_sid`.
    """
    token = ApiToken(
        own_account=own_account,
        account_sid=account_sid,
        name=name,
        scopes=usual_scopes() if scopes is None else [each for each in ApiToken.Scope.values if each in scopes],
        program_ids=None if programs is None else sorted(set(programs)),
    )
    return token, new_token(token)


def new_token(token: ApiToken) -> str:
    """Save the new token and return its text. The first one of an account makes its SID."""
    if not token.own_account:
        first = ApiToken.objects.filter(own_account=False).order_by("id").first()
        token.account_sid = first.account_sid if first else ""
    token.account_sid = token.account_sid or "PP" + "".join(secrets.choice(_SID_LETTERS) for _ in range(24))
    text = secrets.token_urlsafe(32)
    token.token_sha256 = _hash(text)
    token.save()
    return text


def find_token(account_sid: str, text: str) -> ApiToken | None:
    """The token, if it is one of this account and in force; its use is noted."""
    with connection.cursor() as cursor:
        cursor.execute(FIND, [hashed := _hash(text), sealed(hashed), account_sid])
        row = cursor.fetchone()
    if row is None:
        return None
    token = ApiToken.from_db(connection.alias, _FIELDS, row)
    if token.last_used_at is None or timezone.now() - token.last_used_at > NOTED_EACH:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=Now())
    return token


def revoke(token: ApiToken) -> None:
    """From now on nobody can use it."""
    if token.revoked_at is None:
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()
