"""The column for amounts of money. Apart from the models, since migrations hold it too."""

from __future__ import annotations

from typing import Any

from django.core import checks
from django.db import models


class MoneyField(models.DecimalField):  # type: ignore[type-arg]  # Django's own takes none at run time.
    """A column for amounts of any currency, each with the decimals that it is written with.

    Its type bounds nothing: with one scale for all, a yen would come back with decimals, and giving the column another
    would write the whole table again while everybody waits. The code that works out an amount bounds and rounds it.
    """

    def db_type(self, connection: Any) -> str:  # noqa: ARG002 -- Django passes it
        return "numeric"

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        """Without Django's complaints that no number of digits is named."""
        unnamed = {"fields.E130", "fields.E132"}
        return [each for each in super().check(**kwargs) if each.id not in unnamed]
