"""The exchange rates by which an action was converted."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("actions", "0027_trace_of_queued_reports")]

    operations = [
        migrations.AddField(
            model_name="action",
            name="rates",
            field=models.JSONField(editable=False, null=True),
        ),
    ]
