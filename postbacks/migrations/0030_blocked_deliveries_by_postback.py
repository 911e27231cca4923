"""Finds whether a lane has blocked deliveries: most have none, and then no chain needs to be looked at."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # Concurrently: nobody waits meanwhile.

    dependencies = [("postbacks", "0029_deliveries_vacuumed_sooner")]

    operations = [
        AddIndexConcurrently(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state", "blocked")), fields=["postback", "action"], name="delivery_blocked"
            ),
        ),
    ]
