"""Files that are being imported, and how far each has come."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class ImportRun(models.Model):
    """One import of a file. The file is known by its bytes: under another name it is the same.

    Runs of earlier versions have neither `file_sha256` nor `reading`; the `sha256` of those is the file's.
    """

    name = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64, help_text="Of the file and of how it is read.")
    file_sha256 = models.CharField(max_length=64, null=True, blank=True)  # noqa: DJ001 -- old programs leave it out
    reading = models.CharField(max_length=100, null=True, blank=True)  # noqa: DJ001 -- old programs leave it out
    started_at = models.DateTimeField(db_default=Now())
    completed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            # An import of a file that is on its way goes on with that one. Also read by: finding it.
            models.UniqueConstraint(
                fields=["sha256"], condition=Q(completed_at__isnull=True), name="one_import_of_a_file_at_once"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ImportPart(models.Model):
    """What became of some lines of the file, written in the transaction that recorded them."""

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="parts", db_index=False)
    number = models.PositiveBigIntegerField()
    recorded = models.PositiveIntegerField(default=0)
    repeated = models.PositiveIntegerField(default=0)
    waiting = models.PositiveIntegerField(default=0, db_default=0)  # An earlier release inserts rows without it.
    rejections = models.JSONField(default=list, help_text="Of each refused line its number, reason code and message.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="import_part_once")]

    def __str__(self) -> str:
        return f"part {self.number} of {self.run_id}"
