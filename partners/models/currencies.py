"""Currencies by their codes, and what one is worth in another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q

if TYPE_CHECKING:  # Django's fields take type parameters only for the type checker.
    _CharField = models.CharField[str, str]
else:
    _CharField = models.CharField

currency_code = RegexValidator(r"^[A-Z]{3}\Z", "A currency is three capital letters, such as USD.")


class _CurrencyColumn(_CharField):
    """A text whose form offers the currencies that there are."""

    def formfield(self, **options: Any) -> Any:
        from partners.currency_input import CurrencyField  # noqa: PLC0415 -- of the screens, which need the models

        return super().formfield(**{**options, "form_class": CurrencyField})

    def deconstruct(self) -> Any:
        """To the database it is a text."""
        name, _path, positional, options = super().deconstruct()
        return name, "django.db.models.CharField", positional, options


def currency_field(verbose_name: str | None = None, help_text: str = "") -> models.CharField[str, str]:
    """A column for an ISO 4217 code, such as `USD`."""
    return _CurrencyColumn(verbose_name, max_length=3, validators=[currency_code], help_text=help_text)


def first_currency_field() -> models.CharField[str | None, str | None]:
    """A column for the currency that held before the first change, written by a trigger of the database.

    It holds for actions that were recorded before they kept currencies of their own.
    """
    return models.CharField(max_length=3, null=True, editable=False)


class ExchangeRate(models.Model):
    """From `date` on, one unit of `from_currency` is worth `rate` units of `to_currency`."""

    date = models.DateField()
    from_currency = currency_field("from")
    to_currency = currency_field("to")
    rate = models.DecimalField(max_digits=18, decimal_places=8)

    class Meta:
        ordering = ("from_currency", "to_currency", "-date")
        constraints = [
            models.UniqueConstraint(fields=["from_currency", "to_currency", "date"], name="one_rate_per_pair_and_day"),
            models.CheckConstraint(
                condition=Q(rate__gt=0), name="rate_positive", violation_error_message="A rate is above 0."
            ),
            models.CheckConstraint(
                condition=~Q(from_currency=F("to_currency")),
                name="rate_between_two_currencies",
                violation_error_message="A rate needs two different currencies.",
            ),
        ]

    def __str__(self) -> str:
        return f"1 {self.from_currency} = {self.rate.normalize():f} {self.to_currency} from {self.date}"
