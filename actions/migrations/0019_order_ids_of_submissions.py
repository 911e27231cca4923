"""Submissions know the order that they are about. What is there already does not: null."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("actions", "0018_times_of_events")]

    operations = [
        # Without the default first, which would be written into all rows.
        migrations.AddField(
            model_name="submission",
            name="order_id",
            field=models.CharField(
                blank=True, help_text="As reported, refused or not.", max_length=255, null=True
            ),
        ),
        migrations.AlterField(
            model_name="submission",
            name="order_id",
            field=models.CharField(
                blank=True, default="", help_text="As reported, refused or not.", max_length=255, null=True
            ),
        ),
    ]
