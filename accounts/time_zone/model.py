"""Which time zone a user has chosen."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models

LONGEST_NAME: Final = 64
SERVERS: Final = "server"
"""Chosen in place of a name: whatever TIME_ZONE of the settings is."""


class ChosenTimeZone(models.Model):
    """The choice of one user; who has no row has chosen nothing."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, primary_key=True, related_name="time_zone")
    name = models.CharField(max_length=LONGEST_NAME)

    class Meta:
        verbose_name = "time zone"

    def __str__(self) -> str:
        return self.name


def chosen_zone(user_id: int) -> str:
    """The name of the zone that the user has chosen; empty if none."""
    name = ChosenTimeZone.objects.filter(pk=user_id).values_list("name", flat=True).first() or ""
    return settings.TIME_ZONE if name == SERVERS else name


def choose_zone(user_id: int, name: str) -> None:
    """Keeps the choice; an empty name takes it back."""
    if name:
        ChosenTimeZone.objects.update_or_create(pk=user_id, defaults={"name": name})
    else:
        ChosenTimeZone.objects.filter(pk=user_id).delete()
