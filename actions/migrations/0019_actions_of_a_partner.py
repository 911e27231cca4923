from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # Concurrently: nobody waits meanwhile.

    dependencies = [
        ("actions", "0018_times_of_events"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="action",
            index=models.Index(fields=["partner", "id"], name="action_of_partner"),
        ),
    ]
