"""Event types that take no new actions."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("partners", "0009_event_type_codes")]

    operations = [
        migrations.AddField(
            model_name="actiontracker",
            name="active",
            field=models.BooleanField(db_default=True, default=True, help_text="New actions are refused while it is off. Recorded ones can be changed, lock and clear as before."),
        ),
    ]
