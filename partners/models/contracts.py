"""Who is paid for conversions, and on which terms."""

from __future__ import annotations

from datetime import date

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Lower
from django.utils.functional import cached_property

from partners.models.currencies import currency_field, first_currency_field
from partners.models.figures import Figures, PayoutType
from partners.models.programs import ActionTracker, Program
from partners.money_column import MoneyField

MAX_DAYS = 3650  # Ten years: beyond any contract, within any calendar.


class Partner(models.Model):
    """Who is paid for actions, in `currency`."""

    name = models.CharField(max_length=200, unique=True)
    currency = currency_field(help_text="Of payouts. Another one holds for new actions.")
    first_currency = first_currency_field()
    active = models.BooleanField(
        default=True,
        db_default=True,  # An earlier release inserts rows without it.
        help_text="New actions pay nothing while it is off. Recorded ones keep what was agreed.",
    )

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

    PayoutType = PayoutType

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
    monthly_payout_limit = MoneyField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text="Payout per calendar month in the partner's currency; empty means no limit.",
    )
    lock_after_days = models.PositiveIntegerField(default=30, validators=[MaxValueValidator(MAX_DAYS)])
    clear_after_days = models.PositiveIntegerField(default=45, validators=[MaxValueValidator(MAX_DAYS)])
    # Written by a trigger of the database, before the first change of what the term pays.
    first_figures = models.JSONField(null=True, editable=False)

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
    def figures(self) -> Figures:
        """What it pays now; asked for each order, so worked out once."""
        categories = {each.category: (each.payout_type, each.payout) for each in self.category_payouts.all()}
        return Figures.of(self.payout_type, self.payout, categories)

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
