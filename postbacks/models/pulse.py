"""When background jobs last ran."""

from __future__ import annotations

from django.db import models


class Pulse(models.Model):
    """When one of the background jobs last did its work: see `postbacks.delivery.heartbeat`."""

    name = models.CharField(max_length=20, primary_key=True)
    at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "pulses"

    def __str__(self) -> str:
        return f"{self.name} at {self.at:%Y-%m-%d %H:%M:%S}"
