from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # Concurrently: nobody waits meanwhile.

    dependencies = [
        ("actions", "0016_early_changes"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="action",
            index=models.Index(fields=["event_date", "id", "program"], name="action_event_date"),
        ),
        AddIndexConcurrently(
            model_name="action",
            index=models.Index(fields=["locking_date", "id", "program"], name="action_locking_date"),
        ),
    ]
