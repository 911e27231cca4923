"""What a postback was when somebody looked at it, so that nobody approves a change of something else."""

from __future__ import annotations

import json
from typing import Final

from auditlog.models import LogEntry
from django.db.models import Max
from django.utils.crypto import salted_hmac

from partners.opened_with import Conflict, Opened, about
from postbacks.config_file.keys import POSTBACK
from postbacks.models import Postback

_SALT: Final = "portal.proposals"  # Keyed: the digest goes to pages, and its values include secrets' tokens.
_FIELDS: Final = sorted({name for key in POSTBACK.keys for name in key.model_fields})


def standing_of(postback: Postback) -> Opened:
    """All that an operator sets up, whether it is paused or not, and the newest entry of its history."""
    kept = json.dumps([getattr(postback, name) for name in _FIELDS], default=str)
    digest = salted_hmac(_SALT, kept, algorithm="sha256").hexdigest()
    newest = LogEntry.objects.filter(about([_row(postback)])).aggregate(newest=Max("id"))["newest"]
    return Opened(digest, newest or 0)


def changed_since(postback: Postback, then: Opened) -> Conflict | None:
    """What has happened to the postback since it was seen as `then`; None if it would look the same."""
    now = standing_of(postback)
    return None if now.same(then) else Conflict((_row(postback),), then.known, now)


def _row(postback: Postback) -> tuple[type[Postback], str]:
    return Postback, str(postback.pk)
