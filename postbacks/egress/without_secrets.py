"""What a receiver answered, without the secrets that it was sent. Pure.

Rules are judged on this, and nothing else is stored: otherwise a rule that says how a secret begins would tell, by its
verdict, whether that is so.
"""

from __future__ import annotations

from dataclasses import replace

from postbacks.credentials.secrets.mask import Scrubber
from postbacks.egress.answer import Answer
from postbacks.egress.failures import Failure


def without_secrets(result: Answer | Failure, scrubber: Scrubber) -> Answer | Failure:
    """The answer with a mask for each secret in its headers and its body; or the failure, which may quote it."""
    if isinstance(result, Failure):
        return replace(result, text=scrubber.scrub(result.text))
    headers = scrubber.scrub_headers(result.header_text)
    masked = Answer(result.status_code, b"", headers, scrubber.scrub(result.unreadable))
    masked.text = scrubber.scrub(result.text)
    return masked
