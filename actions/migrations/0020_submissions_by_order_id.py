"""Finds the submissions of an order."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # Concurrently: nobody waits meanwhile.

    dependencies = [("actions", "0019_order_ids_of_submissions")]

    operations = [
        AddIndexConcurrently(
            model_name="submission",
            index=models.Index(
                condition=models.Q(order_id__gt=""), fields=["order_id", "id"], name="submission_order_id"
            ),
        ),
    ]
