"""What a term pays, apart from its row: an action keeps it as it was when the action was recorded. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import models


class PayoutType(models.TextChoices):
    FLAT = "flat", "Flat"
    PERCENTAGE = "percentage", "Percentage of the amount"


@dataclass(frozen=True, slots=True)
class Figure:
    """A percentage of an amount, or flat in the partner's currency."""

    payout_type: str
    payout: Decimal

    @property
    def is_flat(self) -> bool:
        return self.payout_type == PayoutType.FLAT


@dataclass(frozen=True, slots=True)
class Figures:
    """What a term pays, and what for items of some categories, by the category's name in small letters."""

    usual: Figure
    of_category: Mapping[str, Figure] = field(default_factory=dict)
    # A list of the type, the payout, and one such list with its name in front for each category. The database writes
    # the same, where it keeps what is about to change.
    kept: list[Any] = field(default_factory=list, compare=False)

    @classmethod
    def of(cls, payout_type: str, payout: Decimal, categories: Mapping[str, tuple[str, Decimal]]) -> Figures:
        """Those of a term and its categories, each with its type and payout."""
        rows = [[name, str(kind), str(figure)] for name, (kind, figure) in sorted(categories.items())]
        return cls.read([str(payout_type), str(payout), *rows])

    @classmethod
    def read(cls, kept: list[Any]) -> Figures:
        """Those that were kept as `kept`."""
        payout_type, payout, *rows = kept
        of_category = {name.casefold(): Figure(kind, Decimal(figure)) for name, kind, figure in rows}
        return cls(Figure(payout_type, Decimal(payout)), of_category, kept)
