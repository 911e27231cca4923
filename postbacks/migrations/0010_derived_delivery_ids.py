"""The ids by which receivers know deliveries are derived, so that a restore does not change them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("postbacks", "0009_overlapping_attempts")]

    operations = [
        migrations.AddField(
            model_name="delivery",
            name="known_by",
            field=models.UUIDField(
                null=True, blank=True, help_text="The derived id by which the receiver knows the delivery."
            ),
        ),
    ]
