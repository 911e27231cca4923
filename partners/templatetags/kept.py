"""The mark of a form that never loses what was typed (`config/static/config/forms.js`)."""

from __future__ import annotations

import base64
from typing import Any

from django import template
from django.http import HttpRequest
from django.utils.crypto import salted_hmac
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()
_SALT = "partners.kept"  # The key must serve for nothing else.


@register.simple_tag(takes_context=True)
def kept_form(context: Any, *, done: bool = False) -> SafeString:
    """Within the form: the key that seals what is typed, and whether it holds what is not saved: it was sent and is
    not `done`, or the page says so."""
    request: HttpRequest = context["request"]
    user: Any = request.user
    key = salted_hmac(_SALT, f"{user.pk} {user.get_session_auth_hash()}", algorithm="sha256").digest()
    answer = SafeString(" data-answer") if context.get("unsaved") or (request.method == "POST" and not done) else ""
    return format_html(
        '<template data-kept-form data-user="{}" data-key="{}"{}></template>',
        user.pk,
        base64.b64encode(key).decode(),
        answer,
    )
