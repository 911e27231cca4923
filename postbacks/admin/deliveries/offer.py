"""After a correction of a postback: the offer to try now what waits for its time."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from django.contrib import messages
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.urls import reverse
from django.utils.html import format_html

from postbacks.credentials.asking.fields import FIELDS
from postbacks.delivery.try_now import MOST_COUNTED, waiting_for_their_time
from postbacks.delivery_log.seen import seen_now
from postbacks.models import Postback

# Fields of the form whose change may let succeed what has failed.
CORRECTIONS: Final = frozenset(
    {
        *("url", "method", "headers", "secret_headers", "body_format", "body_kind", "body_pairs", "body_raw"),
        *("success_response", "error_response", "minimum_delay_seconds"),
        *FIELDS,
    }
)
_FORM = """{} <form method="post" action="{}?postback={}" class="pp-offer">
<input type="hidden" name="csrfmiddlewaretoken" value="{}"><input type="hidden" name="seen" value="{}">
<input type="hidden" name="all"><button class="pp-button" type="submit" name="sure">{}</button></form>"""


def offer_to_try_now(request: HttpRequest, postback: Postback, changed: Collection[str]) -> None:
    """Says how many deliveries wait for a retry or the Minimum Delay, with a button that tries them now.

    Says nothing if none of `changed`, names of fields, corrects the postback, if nothing waits, or if the user may not
    resend. While the postback is paused or held, trying would change nothing.
    """
    lane = getattr(postback, "lane", None)
    stopped = postback.paused_at is not None or (lane is not None and lane.held_since is not None)
    if stopped or CORRECTIONS.isdisjoint(changed) or not request.user.has_perm("postbacks.change_delivery"):
        return
    count = waiting_for_their_time(postback.pk)
    if count:
        number = f"{count:,}" if count <= MOST_COUNTED else f"Over {MOST_COUNTED:,}"
        verb, them = ("delivery waits", "it") if count == 1 else ("deliveries wait", "them")
        text = f"{number} {verb} for a retry or the Minimum Delay: try {them} now?"
        url = reverse("admin:postbacks_delivery_try_now_many")
        form = format_html(_FORM, text, url, postback.pk, get_token(request), seen_now(), f"Try {them} now")
        messages.info(request, form)
