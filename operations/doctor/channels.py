"""Whether somebody would be told: the channels of notices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.conf import settings

from operations.asking import Asker
from operations.doctor.finding import Finding, warning

SHOWN = 5

ACTIVE = """
SELECT name, kind, 'held' = ANY (events), failing_since IS NOT NULL, last_answer FROM notices_channel
WHERE active AND NOT from_settings OR active AND %s ORDER BY name
"""

Found = tuple[str, str, bool, bool, str]  # Name, kind, whether it tells of holds, whether it fails, its last answer.


def look_at_channels(asker: Asker) -> Iterator[Finding]:
    emails = bool(settings.POSTBACKS_NOTICE_EMAILS)
    rows = [
        (str(name), str(kind), bool(held), bool(fails), str(said))
        for name, kind, held, fails, said in asker.ask(ACTIVE, [emails])
    ]
    yield from judge_channels(rows, emails=emails)


def judge_channels(channels: Sequence[Found], *, emails: bool) -> Iterator[Finding]:
    """`emails` says whether POSTBACKS_NOTICE_EMAILS names any: its channel is made only when the workers run."""
    if not emails and not any(held for _name, _kind, held, _fails, _said in channels):
        yield warning(
            "Nobody is notified when a destination is held because it is down.",
            "Add a channel under Settings → Notices, or set POSTBACKS_NOTICE_EMAILS to e-mail addresses, and EMAIL_URL "
            "to a mail server.",
        )
    mailed = emails or any(kind == "email" for _name, kind, *_ in channels)
    if mailed and settings.EMAIL_BACKEND.endswith(".console.EmailBackend"):
        yield warning("E-mail to operators is printed, not sent.", "Set EMAIL_URL to a mail server.")
    failing = [f"“{name}” ({said.rstrip('.')})" for name, _kind, _held, fails, said in channels if fails]
    if failing:
        more = f" and {len(failing) - SHOWN} more" if len(failing) > SHOWN else ""
        yield warning(
            f"Channels of notices cannot be told: {', '.join(failing[:SHOWN])}{more}.",
            "Open them under Settings → Notices, correct the address, and press Send test.",
        )
