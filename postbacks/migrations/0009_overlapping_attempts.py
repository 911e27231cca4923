"""Attempts that two processes made at the same time are both kept; these are marked."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("postbacks", "0008_delivery_log_index")]

    operations = [
        migrations.AddField(
            model_name="attempt",
            name="overlap_of",
            field=models.PositiveSmallIntegerField(
                null=True,
                blank=True,
                help_text="The number of the attempt that another process made meanwhile; this one does not count.",
            ),
        ),
    ]
