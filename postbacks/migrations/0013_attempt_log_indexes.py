"""Finds the latest attempts of a postback, and attempts by reason and by status."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # Concurrently: nobody waits meanwhile.

    dependencies = [("postbacks", "0012_unsent_deliveries_by_reason")]

    operations = [
        AddIndexConcurrently(
            model_name="attempt",
            index=models.Index(fields=["postback", "id"], name="attempt_latest"),
        ),
        AddIndexConcurrently(
            model_name="attempt",
            index=models.Index(
                condition=models.Q(("succeeded", False)), fields=["postback", "id"], name="attempt_failed"
            ),
        ),
        AddIndexConcurrently(
            model_name="attempt",
            index=models.Index(condition=models.Q(("succeeded", False)), fields=["why", "id"], name="attempt_why"),
        ),
        AddIndexConcurrently(
            model_name="attempt",
            index=models.Index(
                condition=models.Q(("status__lt", 200), ("status__gt", 200), _connector="OR"),
                fields=["status", "id"],
                name="attempt_status",
            ),
        ),
    ]
