"""What fetching has brought, in sentences and as JSON. Pure."""

from __future__ import annotations

from typing import Any

from operations.exchange_rates.fetch import Fetched


def in_words(fetched: Fetched) -> list[str]:
    """First what was stored, in one sentence; then a sentence for each thing that is to be looked at."""
    days = [each for each in fetched.taken.days if each.taken]
    if not days:
        lines = [f"Nothing new: the rates of {fetched.taken.days[-1].day} are known."]
    elif len(days) == 1:
        lines = [f"{fetched.taken.added} rate{'' if fetched.taken.added == 1 else 's'} of {days[0].day}."]
    else:
        lines = [f"{fetched.taken.added} rates of {len(days)} days, from {days[0].day} to {days[-1].day}."]
    for each in fetched.taken.days:
        if each.missing:
            lines.append(f"{each.day} has no rate of {', '.join(each.missing)}: the one before stays in force.")
        if each.first:
            lines.append(f"{each.day} has rates of currencies that had none before: {', '.join(each.first)}.")
    lines += [f"Held: {held.currency} {held.published} of {held.date}. {held.reason}" for held in fetched.taken.held]
    return lines + fetched.notes


def to_json(fetched: Fetched) -> dict[str, Any]:
    """Rates are texts, as they were published."""
    return {
        "days": [
            {
                "day": each.day.isoformat(),
                "added": {currency: f"{rate:f}" for currency, rate in sorted(each.taken.items())},
                "missing": each.missing,
                "new_currencies": each.first,
            }
            for each in fetched.taken.days
        ],
        "held": [
            {
                "day": held.date.isoformat(),
                "currency": held.currency,
                "published": held.published,
                "reason": held.reason,
            }
            for held in fetched.taken.held
        ],
        "notes": fetched.notes,
    }
