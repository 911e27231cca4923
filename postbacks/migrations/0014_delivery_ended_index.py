"""Finds deliveries by when they ended, and those that failed without an attempt."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # Concurrently: nobody waits meanwhile.

    dependencies = [("postbacks", "0013_attempt_log_indexes")]

    operations = [
        AddIndexConcurrently(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state__in", ("delivered", "failed", "cancelled"))),
                fields=["state", "postback", "finished_at", "id"],
                name="delivery_ended",
            ),
        ),
        AddIndexConcurrently(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("unsent_why__isnull", False)), fields=["unsent_why", "id"], name="delivery_unsent"
            ),
        ),
    ]
