"""Optimize: technology partners that are told of conversions without a contract."""

from django.db import models


class MediaSource(models.Model):
    """An Optimize network, such as an attribution or analytics vendor."""

    name = models.CharField(max_length=200, unique=True)
    type = models.CharField(max_length=100, blank=True)
    channel = models.CharField(max_length=100, blank=True)

    class Meta:
        verbose_name = "network"
        ordering = ("name", "id")

    def __str__(self) -> str:
        return f"{self.name} ({self.pk})"
