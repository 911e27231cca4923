"""What a receiver should know: where calls come from, what counts, when a failure is tried again, how to verify."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse

from portal.pages.visit import READING, Visit, page
from postbacks.durations import format_duration
from postbacks.verdicts.retry import MAXIMUM_ATTEMPTS, RETRY_WAITS


@page(*READING)
def receiving(visit: Visit) -> HttpResponse:
    return visit.show(
        "receiving",
        here="receiving",
        networks=[str(each) for each in settings.PORTAL_CALLS_FROM],
        waits=[format_duration(round(wait.total_seconds())) for wait in RETRY_WAITS],
        attempts=MAXIMUM_ATTEMPTS,
        connect=settings.POSTBACKS_CONNECT_TIMEOUT,
        answer=settings.POSTBACKS_RESPONSE_TIMEOUT,
        total=settings.POSTBACKS_TOTAL_TIMEOUT,
        postbacks=visit.scope.postbacks(),
    )
