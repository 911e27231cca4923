"""E-mail: plain text, by Django's mail (EMAIL_URL)."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.core.mail import EmailMessage

from notices.saying.content import Content, link

PRINTED: Final = "E-mail is printed, not sent: EMAIL_URL names no mail server."


def send_mail(content: Content, recipients: list[str]) -> str:
    """Sends; returns what came of it in a sentence. Raises OSError where the mail server is away or refuses."""
    EmailMessage(content["title"], text_of(content), None, recipients).send()
    if settings.EMAIL_BACKEND.endswith(".console.EmailBackend"):
        return PRINTED
    return "The mail server has taken the message."


def text_of(content: Content) -> str:
    parts = [*content["lines"]]
    parts += [_paragraph(item["title"], item["text"], link(item["path"])) for item in content["items"]]
    parts += filter(None, [link(content["path"])])
    return "\n\n".join(parts) + "\n"


def _paragraph(*lines: str) -> str:
    return "\n".join(filter(None, lines))
