from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # Concurrently: nobody waits meanwhile.

    dependencies = [
        ("actions", "0017_dates_of_actions"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="actionevent",
            index=models.Index(fields=["recorded_at", "id"], name="event_recorded_at"),
        ),
    ]
