"""How long a program keeps changes that come before their orders."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("partners", "0011_active_partners")]

    operations = [
        migrations.AddField(
            model_name="program",
            name="early_changes_minutes",
            field=models.PositiveIntegerField(db_default=60, default=60, help_text="A change that comes before its order is kept this long, and applied when the order comes. 0 refuses it at once.", validators=[django.core.validators.MaxValueValidator(10080)], verbose_name="minutes for early changes"),
        ),
    ]
