from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # Concurrently: nobody waits meanwhile.

    dependencies = [
        ("actions", "0020_submissions_by_order_id"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="action",
            index=models.Index(fields=["partner", "id"], name="action_of_partner"),
        ),
    ]
