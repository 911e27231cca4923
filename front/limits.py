"""How much body an address takes. Pure, apart from one setting.

A request without credentials gets little room: whether they are right is known only after the body has been read.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings

from actions.api import batch, bodies
from actions.api.addresses import ACCOUNTS, BATCH, is_api, without_suffix

# A form to sign in, or a report of a few hundred fields without its token.
WITHOUT_CREDENTIALS = 64 * 1024
# The longest form: a postback with its templates, or the lines of a few hundred rates. Django's own limit is this one.
PAGE = 2 * 1024 * 1024
# Around an uploaded file: the form's other fields, and what separates the parts.
_AROUND_A_FILE = 64 * 1024
_UPLOADS = "/admin/actions/action/report"


def takes_reports(path: str) -> bool:
    """Whether the address belongs to those that conversions are reported to and read from."""
    return path.startswith(ACCOUNTS)


def most_bytes(path: str, headers: Mapping[str, str]) -> int:
    """Return how many bytes a request to `path` may have as its body; `headers` by their names in small letters."""
    if is_api(path):
        if not headers.get("authorization"):
            return WITHOUT_CREDENTIALS
        return batch.MAX_BYTES if without_suffix(path)[0].endswith(BATCH) else bodies.MAX_BODY_BYTES
    if f"{settings.SESSION_COOKIE_NAME}=" not in headers.get("cookie", ""):
        return WITHOUT_CREDENTIALS
    if path.rstrip("/") == _UPLOADS:
        return int(settings.UPLOAD_MAX_BYTES) + _AROUND_A_FILE
    return PAGE
