"""Currencies by their codes, and what one is worth in another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

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
    """From `date` on, one unit of `from_currency` is worth `rate` units of `to_currency`.

    Those of the European Central Bank say what a euro is worth. They stay as they were published: a rate that was typed
    for the same day stands beside it and goes first.
    """

    class Source(models.TextChoices):
        HAND = "hand", "Typed"
        ECB = "ecb", "European Central Bank"

    date = models.DateField()
    from_currency = currency_field("from")
    to_currency = currency_field("to")
    rate = models.DecimalField(max_digits=18, decimal_places=8)
    source = models.CharField(
        max_length=4, choices=Source, default=Source.HAND, db_default=Source.HAND.value, editable=False
    )
    kept = models.BooleanField(
        "keep",
        default=False,
        db_default=False,
        help_text="It stays in force when the European Central Bank publishes later rates, until a later one is typed.",
    )

    class Meta:
        ordering = ("from_currency", "to_currency", "-date")
        constraints = [
            models.UniqueConstraint(
                fields=["from_currency", "to_currency", "date", "source"],
                name="one_rate_per_pair_day_and_source",
                violation_error_message="The two currencies have another typed rate for this date.",
            ),
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


class HeldRate(models.Model):
    """What was published for a day and is not in force: an operator accepts or declines it.

    `rate` is null where what was published is not a number that could be accepted. A declined one stays, so that it is
    not held again.
    """

    currency = currency_field()
    date = models.DateField()
    published = models.CharField(max_length=40)
    rate = models.DecimalField(max_digits=18, decimal_places=8, null=True)
    reason = models.CharField(max_length=200)
    held_at = models.DateTimeField(db_default=Now(), editable=False)
    declined_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ("-date", "currency")
        default_permissions = ("view", "change")  # It is accepted and declined, not edited.
        constraints = [models.UniqueConstraint(fields=["currency", "date"], name="held_rate_once")]

    def __str__(self) -> str:
        return f"1 EUR = {self.published} {self.currency} from {self.date}"


class RateFeed(models.Model):
    """How fetching rates is going: one row. A process that takes rates locks it, so that only one does."""

    single = models.BooleanField(primary_key=True, default=True)
    tried_at = models.DateTimeField(null=True)
    error = models.TextField(db_default="", default="", help_text="What went wrong at the last try.")
    whole_until = models.DateField(null=True, help_text="Up to this day, no published day is missing.")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"Rates, whole until {self.whole_until}"
