"""What somebody who wrote a wrong name may have meant."""

from collections.abc import Iterable
from difflib import get_close_matches

from postbacks.template import limits


def did_you_mean(name: str, valid: Iterable[str], write: str) -> str:
    """`Did you mean {CampaignId}?` for the valid name most like this one, or nothing. `write` has a `%s` for it."""
    if len(name) > limits.NAME_FOR_A_HINT:
        return ""
    names = list(valid)
    same = [each for each in names if each.lower() == name.lower()]
    close = same or get_close_matches(name, names, n=1, cutoff=0.6)
    return f"Did you mean {write % close[0]}?" if close else ""
