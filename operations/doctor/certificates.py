"""The client certificates that postbacks show their receivers: whether any has ended, or ends soon."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils import timezone

from operations.doctor.finding import Finding, fine, warning
from postbacks.credentials.asking.certificates import ends_soon, in_words
from postbacks.models import Postback

SHOWN = 5


def look_at_certificates() -> Iterator[Finding]:
    """Says nothing where no postback has one."""
    now = timezone.now()
    shown = Postback.objects.existing().exclude(client_certificate="").order_by("pk")
    found = list(shown.values_list("pk", "name", "client_certificate"))
    ending = [f"postback {pk} “{name}” ({in_words(pem, now)})" for pk, name, pem in found if ends_soon(pem, now)]
    if ending:
        more = f" and {len(ending) - SHOWN} more" if len(ending) > SHOWN else ""
        yield warning(
            f"Client certificates have ended or end within 30 days: {', '.join(ending[:SHOWN])}{more}.",
            "Have new ones issued, and put each with its key into the form of its postback.",
        )
    elif found:
        yield fine(f"No client certificate of {len(found)} ends within 30 days.")
