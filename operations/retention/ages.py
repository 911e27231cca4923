"""How many days each kind of data is kept, from the settings."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

FOR_EVER = 0


@dataclass(frozen=True, slots=True)
class Ages:
    """The days that each kind is kept; None means forever.

    Texts of requests and refused reports may contain personal data, so they are kept no longer than that.
    """

    texts: int | None
    personal: int | None
    deliveries: int | None
    actions: int | None
    submissions: int | None

    @classmethod
    def from_settings(cls) -> Ages:
        """The ages in the settings, which were checked when they were read."""
        personal = settings.PERSONAL_DATA_KEPT_DAYS
        return cls(
            texts=_shorter(settings.POSTBACKS_TEXTS_KEPT_DAYS, personal),
            personal=personal or None,
            deliveries=settings.POSTBACKS_DELIVERIES_KEPT_DAYS or None,
            actions=settings.ACTIONS_KEPT_DAYS or None,
            submissions=_shorter(settings.API_SUBMISSIONS_KEPT_DAYS, personal),
        )


def _shorter(*days: int) -> int | None:
    return min((each for each in days if each != FOR_EVER), default=None)
