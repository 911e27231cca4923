"""The encryption keys: whether they can read the secrets in the database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Q

from notices.models import Channel
from operations.doctor.finding import Finding, fine, wrong
from postbacks.credentials.secrets.cipher import UNREADABLE, SecretUnreadableError, decrypt
from postbacks.credentials.secrets.rotation import SECRET_FIELDS
from postbacks.models import Postback

SHOWN = 5
_WITHOUT = Q(**{name: [] if name == "secret_headers" else "" for name in SECRET_FIELDS})


def look_at_keys() -> Iterator[Finding]:
    unreadable, readable = [], 0
    with_secrets = Postback.objects.existing().exclude(_WITHOUT)
    for pk, name, *secrets in with_secrets.order_by("pk").values_list("pk", "name", *SECRET_FIELDS).iterator():
        if all(_readable(secret) for secret in secrets):
            readable += 1
        else:
            unreadable.append(f"postback {pk} “{name}”")
    channels = Channel.objects.order_by("pk").values_list("name", "address", "signing_key")
    unreadable += [f"channel “{name}”" for name, *secrets in channels if not all(map(_readable, secrets))]
    if unreadable:
        shown = ", ".join(unreadable[:SHOWN])
        more = f" and {len(unreadable) - SHOWN} more" if len(unreadable) > SHOWN else ""
        yield wrong(f"Secrets cannot be read, so nothing is sent, for {shown}{more}.", UNREADABLE)
    else:
        yield fine(f"The encryption keys can read all secrets, of {readable} postback{'' if readable == 1 else 's'}.")


def _readable(stored: Any) -> bool:
    tokens = [stored] if isinstance(stored, str) else [token for _name, token in stored]
    try:
        for token in filter(None, tokens):
            decrypt(token)
    except SecretUnreadableError:
        return False
    return True
