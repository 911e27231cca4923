"""Which partner a promo code, a click id or a customer stands for."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q

from partners.models.contracts import Partner
from partners.models.programs import Program


class AttributionRule(models.Model):
    """An action that is reported with this value, and without a partner, is credited to `partner`."""

    class Key(models.TextChoices):
        """What a report may tell apart customers, clicks and codes by; in the order in which they are tried."""

        CLICK_ID = "click_id", "Click id"
        CUSTOM_CLICK_ID = "custom_click_id", "Custom click id"
        PROMO_CODE = "promo_code", "Promo code"
        UNIQUE_URL = "unique_url", "Unique URL"
        CALLER_ID = "caller_id", "Caller id"
        CUSTOMER_ID = "customer_id", "Customer id"
        CUSTOM_PROFILE_ID = "custom_profile_id", "Custom profile id"
        GOOGLE_AD_ID = "google_ad_id", "Google advertising id"
        ANDROID_ID = "android_id", "Android id"
        APPLE_IFA = "apple_ifa", "Apple IFA"
        APPLE_IFV = "apple_ifv", "Apple IFV"

    # Whose values stand for one customer, or their device.
    PERSONAL = (
        *(Key.CALLER_ID, Key.CUSTOMER_ID, Key.CUSTOM_PROFILE_ID),
        *(Key.GOOGLE_AD_ID, Key.ANDROID_ID, Key.APPLE_IFA, Key.APPLE_IFV),
    )

    key = models.CharField(max_length=20, choices=Key)
    value = models.CharField(
        max_length=255, help_text="Compared exactly; of promo codes upper and lower case are the same."
    )
    partner = models.ForeignKey(Partner, on_delete=models.CASCADE, related_name="attribution_rules")
    program = models.ForeignKey(
        Program,
        on_delete=models.CASCADE,
        related_name="+",
        null=True,
        blank=True,
        help_text="Empty: all programs. A rule for one program comes before one for all.",
    )
    start = models.DateField(null=True, blank=True, help_text="First event date; empty means always.")
    end = models.DateField(null=True, blank=True, help_text="Last event date; empty means until further notice.")

    class Meta:
        ordering = ("-id",)
        constraints = [
            # Also read by: finding the rules for the values of reports.
            models.UniqueConstraint(
                fields=["key", "value", "program", "start"],
                nulls_distinct=False,
                name="attribution_rule_once",
                violation_error_message="There is a rule for this value, program and first day already.",
            ),
            models.CheckConstraint(
                condition=Q(end__isnull=True) | Q(start__isnull=True) | Q(end__gte=F("start")),
                name="attribution_rule_ends_after_start",
                violation_error_message="A rule cannot end before it starts.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_key_display()} {self.value}: {self.partner}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.value = comparable(self.key, self.value)
        super().save(*args, **kwargs)

    def clean(self) -> None:
        self.value = comparable(self.key, self.value)
        if not self.value:
            raise ValidationError({"value": "The value is blank."})


def comparable(key: str, value: str) -> str:
    """The value as it is stored and compared: promo codes in capitals, because people type them."""
    value = value.strip()
    return value.upper() if key == AttributionRule.Key.PROMO_CODE else value
