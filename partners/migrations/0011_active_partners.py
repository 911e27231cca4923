"""Partners whose new actions pay nothing."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("partners", "0010_active_event_types")]

    operations = [
        migrations.AddField(
            model_name="partner",
            name="active",
            field=models.BooleanField(db_default=True, default=True, help_text="New actions pay nothing while it is off. Recorded ones keep what was agreed."),
        ),
    ]
