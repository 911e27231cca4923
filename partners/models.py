"""Engage: whose program it is, what counts as a conversion, who is paid for it, and on which terms."""

from __future__ import annotations

from datetime import date

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, RangeOperators
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Lower
from django.utils.functional import cached_property

MAX_DAYS = 3650  # Ten years: beyond any contract, within any calendar.

currency_code = RegexValidator(r"^[A-Z]{3}\Z", "A currency is three capital letters, such as USD.")


def currency_field(verbose_name: str | None = None, help_text: str = "") -> models.CharField[str, str]:
    """A column for an ISO 4217 code, such as `USD`."""
    return models.CharField(verbose_name, max_length=3, validators=[currency_code], help_text=help_text)


class Program(models.Model):
    """A brand's partner program. `currency` is the currency of the brand's account: amounts are kept in it."""

    name = models.CharField(max_length=200)
    currency = currency_field()

    class Meta:
        ordering = ("name", "id")

    def __str__(self) -> str:
        return f"{self.name} ({self.pk})"


class ActionTracker(models.Model):
    """One kind of conversion in a program; on the screens and in contracts also called an event type."""

    class Kind(models.TextChoices):
        WEB = "web", "Web"
        MOBILE_APP = "mobile_app", "Mobile app"

    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="action_trackers")
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.WEB)
    dedup_window_days = models.PositiveIntegerField(
        default=30,
        validators=[MinValueValidator(1)],
        help_text="An order id that comes again with an event date less than this many days away is a repeat.",
    )
    hidden_parameters = ArrayField(
        models.CharField(max_length=50),
        default=list,
        blank=True,
        help_text="Parameters that postbacks never carry. They are stored, and render empty everywhere.",
    )

    class Meta:
        verbose_name = "event type"
        ordering = ("program", "name", "id")
        constraints = [
            models.UniqueConstraint(fields=["program", "name"], name="tracker_name_once_per_program"),
            models.CheckConstraint(condition=Q(dedup_window_days__gte=1), name="tracker_dedup_window_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.pk})"

    @property
    def is_mobile_app(self) -> bool:
        return self.kind == self.Kind.MOBILE_APP


class InAppEvent(models.Model):
    """A named event of a mobile app, told apart by its code, such as `INSTALL` or `SIGN-UP`."""

    INSTALL = "INSTALL"

    action_tracker = models.ForeignKey(ActionTracker, on_delete=models.CASCADE, related_name="in_app_events")
    code = models.CharField(max_length=100)

    class Meta:
        verbose_name = "in-app event"
        ordering = ("action_tracker", "code")
        constraints = [
            models.UniqueConstraint(fields=["action_tracker", "code"], name="in_app_event_code_once_per_tracker"),
        ]

    def __str__(self) -> str:
        return self.code

    def clean(self) -> None:
        if self.action_tracker_id and not self.action_tracker.is_mobile_app:
            raise ValidationError("Only an event type of the kind mobile app has in-app events.")


class Partner(models.Model):
    """Who is paid for actions, in `currency`."""

    name = models.CharField(max_length=200, unique=True)
    currency = currency_field()

    class Meta:
        ordering = ("name", "id")

    def __str__(self) -> str:
        return f"{self.name} ({self.pk})"


class Contract(models.Model):
    """A partner's contract with a program, from `start` to `end`, both days included; no end means open."""

    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="contracts")
    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="contracts")
    start = models.DateField()
    end = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ("partner", "program", "start")
        constraints = [
            models.CheckConstraint(
                condition=Q(end__isnull=True) | Q(end__gte=F("start")),
                name="contract_ends_after_start",
                violation_error_message="A contract cannot end before it starts.",
            ),
            # Equality of plain numbers inside a GiST constraint needs an extension; a range of one number does not.
            ExclusionConstraint(
                name="contracts_of_a_pair_do_not_overlap",
                expressions=[
                    (
                        Func(F("partner"), F("partner"), Value("[]"), function="int8range"),
                        RangeOperators.OVERLAPS,
                    ),
                    (
                        Func(F("program"), F("program"), Value("[]"), function="int8range"),
                        RangeOperators.OVERLAPS,
                    ),
                    (Func(F("start"), F("end"), Value("[]"), function="daterange"), RangeOperators.OVERLAPS),
                ],
                violation_error_message="The partner has another contract with this program in that time.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.partner} and {self.program}, {self.start} to {self.end or 'open'}"

    def clean(self) -> None:
        # Before the constraints are tried: PostgreSQL cannot even make the range.
        if self.end is not None and self.end < self.start:
            raise ValidationError({"end": "A contract cannot end before it starts."})


class Pays(models.Model):
    """What is paid: a percentage of an amount, or flat in the partner's currency."""

    class PayoutType(models.TextChoices):
        FLAT = "flat", "Flat"
        PERCENTAGE = "percentage", "Percentage of the amount"

    payout_type = models.CharField(max_length=10, choices=PayoutType)
    payout = models.DecimalField(max_digits=12, decimal_places=4, validators=[MinValueValidator(0)])

    class Meta:
        abstract = True

    @property
    def is_flat(self) -> bool:
        return self.payout_type == self.PayoutType.FLAT

    @property
    def payout_display(self) -> str:
        """The payout as contracts write it: `8%` or `2.50`."""
        if not self.is_flat:
            return f"{self.payout.normalize():f}%"
        return f"{self.payout.normalize():f}" if self.payout % 1 * 100 % 1 else f"{self.payout:.2f}"


class ContractTerm(Pays):
    """What a contract pays for one event type: for as long as the contract runs, or as scheduled for some days of it.

    On a day on which a scheduled term holds it takes the place of the other, as a whole.
    """

    contract = models.ForeignKey(Contract, on_delete=models.CASCADE, related_name="terms")
    action_tracker = models.ForeignKey(
        ActionTracker, on_delete=models.PROTECT, related_name="contract_terms", verbose_name="event type"
    )
    start = models.DateField(
        "scheduled from", null=True, blank=True, help_text="First day of a scheduled term; empty for the usual one."
    )
    end = models.DateField(
        "scheduled to", null=True, blank=True, help_text="Last day; empty means until further notice."
    )
    monthly_action_limit = models.PositiveIntegerField(
        null=True, blank=True, help_text="Paid actions per calendar month; empty means no limit."
    )
    monthly_payout_limit = models.DecimalField(
        max_digits=14,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text="Payout per calendar month in the partner's currency; empty means no limit.",
    )
    lock_after_days = models.PositiveIntegerField(default=30, validators=[MaxValueValidator(MAX_DAYS)])
    clear_after_days = models.PositiveIntegerField(default=45, validators=[MaxValueValidator(MAX_DAYS)])

    class Meta:
        ordering = ("contract", "action_tracker", F("start").asc(nulls_first=True))
        constraints = [
            models.UniqueConstraint(
                fields=["contract", "action_tracker"],
                condition=Q(start__isnull=True),
                name="one_term_per_event_type",
                violation_error_message="The contract has a term for this event type; "
                "give the other one a day from which it is scheduled.",
            ),
            ExclusionConstraint(
                name="scheduled_terms_do_not_overlap",
                expressions=[
                    (Func(F("contract"), F("contract"), Value("[]"), function="int8range"), RangeOperators.OVERLAPS),
                    (
                        Func(F("action_tracker"), F("action_tracker"), Value("[]"), function="int8range"),
                        RangeOperators.OVERLAPS,
                    ),
                    (Func(F("start"), F("end"), Value("[]"), function="daterange"), RangeOperators.OVERLAPS),
                ],
                condition=Q(start__isnull=False),
                violation_error_message="Another term for this event type is scheduled in that time.",
            ),
            models.CheckConstraint(
                condition=Q(end__isnull=True) | Q(start__isnull=False, end__gte=F("start")),
                name="scheduled_term_ends_after_start",
                violation_error_message="A scheduled term needs its first day, and cannot end before it.",
            ),
            models.CheckConstraint(condition=Q(payout__gte=0), name="term_payout_not_negative"),
            models.CheckConstraint(
                condition=Q(clear_after_days__gte=F("lock_after_days")),
                name="term_clears_after_lock",
                violation_error_message="An action cannot clear before it locks.",
            ),
            models.CheckConstraint(
                condition=Q(clear_after_days__lte=MAX_DAYS),
                name="term_clears_within_ten_years",
                violation_error_message=f"An action clears after at most {MAX_DAYS} days.",
            ),
        ]

    def __str__(self) -> str:
        if self.start is None:
            return f"{self.action_tracker}: {self.payout_display}"
        return f"{self.action_tracker}: {self.payout_display} from {self.start}" + (
            f" to {self.end}" if self.end else ""
        )

    def holds_on(self, day: date) -> bool:
        """Whether it is the usual term, or scheduled for `day`."""
        return self.start is None or (self.start <= day and (self.end is None or day <= self.end))

    @cached_property
    def payout_of_category(self) -> dict[str, CategoryPayout]:
        """Its payouts by category, in small letters; asked for each order, so worked out once."""
        return {each.category.casefold(): each for each in self.category_payouts.all()}

    def clean(self) -> None:
        if self.contract_id and self.action_tracker_id and self.action_tracker.program_id != self.contract.program_id:
            raise ValidationError({"action_tracker": "This event type belongs to another program than the contract."})
        # Before the constraints are tried: PostgreSQL cannot even make the range.
        if self.end is not None and (self.start is None or self.end < self.start):
            raise ValidationError({"end": "A scheduled term needs its first day, and cannot end before it."})


class CategoryPayout(Pays):
    """What a term pays for items of one category: a percentage of the line's amount, or so much for each piece."""

    # The category's constraint begins with it, so it needs no index of its own.
    contract_term = models.ForeignKey(
        ContractTerm, on_delete=models.CASCADE, related_name="category_payouts", db_index=False
    )
    category = models.CharField(max_length=255, help_text="As items are reported; upper and lower case are the same.")

    class Meta:
        verbose_name = "payout by category"
        verbose_name_plural = "payouts by category"
        ordering = ("contract_term", "category")
        constraints = [
            models.UniqueConstraint(
                F("contract_term"),
                Lower("category"),
                name="one_payout_per_category",
                violation_error_message="The term has a payout for this category already.",
            ),
            models.CheckConstraint(condition=Q(payout__gte=0), name="category_payout_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.category}: {self.payout_display}"


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


# A model with a module of its own; Django looks for it here.
from partners.attribution import AttributionRule  # noqa: E402

__all__ = [
    "ActionTracker",
    "AttributionRule",
    "CategoryPayout",
    "Contract",
    "ContractTerm",
    "ExchangeRate",
    "InAppEvent",
    "Partner",
    "Pays",
    "Program",
    "currency_field",
]
