"""Whose program it is, and what counts as a conversion in it."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from partners.models.currencies import currency_field, first_currency_field

MAX_EARLY_CHANGES_MINUTES = 7 * 24 * 60  # A queue that a week has not emptied is lost.


class Program(models.Model):
    """A brand's partner program. `currency` is the currency of the brand's account: amounts are kept in it."""

    name = models.CharField(max_length=200)
    currency = currency_field(help_text="Of amounts. Another one holds for new actions.")
    first_currency = first_currency_field()
    early_changes_minutes = models.PositiveIntegerField(
        "minutes for early changes",
        default=60,
        db_default=60,  # An earlier release inserts rows without it.
        validators=[MaxValueValidator(MAX_EARLY_CHANGES_MINUTES)],
        help_text="A change that comes before its order is kept this long, and applied when the order comes. "
        "0 refuses it at once.",
    )

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
    active = models.BooleanField(
        default=True,
        db_default=True,  # An earlier release inserts rows without it.
        help_text="New actions are refused while it is off. Recorded ones can be changed, lock and clear as before.",
    )
    dedup_window_days = models.PositiveIntegerField(
        default=30,
        validators=[MinValueValidator(1)],
        help_text="An order id that comes again with an event date less than this many days away is a repeat.",
    )
    code = models.CharField(
        max_length=64,
        blank=True,
        default="",
        db_default="",  # An earlier release inserts rows without it.
        help_text="Reports may name the event type by this code (EventTypeCode) in place of its id.",
    )
    hidden_parameters = ArrayField(
        models.CharField(max_length=50),
        default=list,
        blank=True,
        help_text="Parameters that postbacks never carry. They are stored, and render empty everywhere.",
    )

    net_lines = models.BooleanField(
        default=False,
        db_default=False,  # An earlier release inserts rows without it.
        help_text="Prices, subtotals and totals are reported after all discounts, so none is taken off. "
        "Holds for new actions.",
    )

    class Meta:
        verbose_name = "event type"
        ordering = ("program", "name", "id")
        constraints = [
            models.UniqueConstraint(fields=["program", "name"], name="tracker_name_once_per_program"),
            # Also read by: finding the event type that a report names by its code.
            models.UniqueConstraint(
                fields=["code", "program"],
                condition=~Q(code=""),
                name="tracker_code_once_per_program",
                violation_error_message="Another event type of the program has this code.",
            ),
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
