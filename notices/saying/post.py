"""Sends one message to one channel, once, and says in a sentence what the other side answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from notices.addresses import address_of, recipients_of
from notices.models import Channel
from notices.saying.content import Content
from notices.saying.mail import send_mail
from notices.saying.slack import to_slack
from notices.saying.teams import to_teams
from notices.saying.webhook import headers, to_webhook
from notices.telling import tidy
from postbacks.credentials.secrets.cipher import SecretUnreadableError, decrypt
from postbacks.credentials.secrets.mask import scrubber
from postbacks.egress.answer import Answer
from postbacks.egress.client import ask
from postbacks.egress.failures import Failure
from value_types.secret_text import SecretText

MOST_WAIT_SECONDS: Final = 3600.0  # However long the other side asks for.
_SHOWN_CHARACTERS: Final = 200  # Of an answer.


@dataclass(frozen=True, slots=True)
class Outcome:
    """`said` is a sentence without any secret; `wait` the seconds for which the other side asks, if it does."""

    told: bool
    said: str
    wait: float = 0.0


@dataclass(frozen=True, slots=True)
class Letter:
    """What is sent: `key` names it however often it is tried, `made_at` is when it was made, `at` the time of now."""

    content: Content
    key: str
    made_at: datetime
    at: datetime


def post(channel: Channel, letter: Letter) -> Outcome:
    """Never raises for what the other side does."""
    try:
        if channel.kind == Channel.Kind.EMAIL:
            return _mail(channel, letter.content)
        address = address_of(channel)
        return _judged(_asked(channel, address, letter), address)
    except SecretUnreadableError as error:
        return Outcome(False, str(error))


def _mail(channel: Channel, content: Content) -> Outcome:
    to = recipients_of(channel)
    if not to:
        return Outcome(False, "There is no address.")
    try:
        return Outcome(True, send_mail(content, to))
    except (OSError, ValueError) as error:  # SMTP's errors are OSErrors; the other is a header that cannot be written.
        said = f"{type(error).__name__}: {error}"
        return Outcome(False, tidy(f"The mail server could not be used: {_without(said, to)}"))


def _asked(channel: Channel, address: SecretText, letter: Letter) -> Answer | Failure:
    if channel.kind == Channel.Kind.SLACK:
        return ask("POST", address, json=to_slack(letter.content))
    if channel.kind == Channel.Kind.TEAMS:
        return ask("POST", address, json=to_teams(letter.content))
    body = to_webhook(letter.content, letter.made_at)
    key = decrypt(channel.signing_key) if channel.signing_key else None
    return ask("POST", address, data=body, headers=headers(body, letter.key, key, letter.at))


def _judged(answer: Answer | Failure, address: SecretText) -> Outcome:
    if isinstance(answer, Failure):
        return Outcome(False, answer.text)
    parts = urlsplit(address)
    secrets = [address, parts.path, parts.query, *parts.path.split("/"), parts.password or ""]
    shown = tidy(_without(answer.text[: 10 * _SHOWN_CHARACTERS], secrets))[:_SHOWN_CHARACTERS]
    said = f"Answered {answer.status_code}: {shown}" if shown else f"Answered {answer.status_code}, without a text."
    told = 200 <= answer.status_code < 300
    if 300 <= answer.status_code < 400:
        said = f"Answered {answer.status_code}: redirects are not followed. Write the address that it leads to."
    return Outcome(told, said, 0.0 if told else _wait(answer.header("Retry-After") or ""))


def _without(text: str, secrets: list[str]) -> str:
    return scrubber(each for each in secrets if each).scrub(text)


def _wait(text: str) -> float:
    """Of Retry-After. Seconds only: a date is followed by the usual intervals."""
    return min(float(text), MOST_WAIT_SECONDS) if text.isascii() and text.isdecimal() and len(text) < 10 else 0.0
