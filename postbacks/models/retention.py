"""How far pruning has come for rows that stay and only lose part of their data."""

from __future__ import annotations

from django.db import models


class Pruned(models.Model):
    """All rows of a kind up to this id are done, except those that were kept back."""

    kind = models.CharField(max_length=20, primary_key=True)
    up_to = models.BigIntegerField(default=0)

    class Meta:
        app_label = "postbacks"
        verbose_name_plural = "pruned"

    def __str__(self) -> str:
        return f"{self.kind} up to {self.up_to}"


class KeptBack(models.Model):
    """A row that was old enough but still needed; each night checks it again. Few, unless a postback stays paused."""

    kind = models.CharField(max_length=20)
    row_id = models.BigIntegerField()

    class Meta:
        app_label = "postbacks"
        verbose_name_plural = "kept back"
        # Also finds the next ones of a kind, in order.
        constraints = [models.UniqueConstraint(fields=["kind", "row_id"], name="kept_back_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.row_id}"
