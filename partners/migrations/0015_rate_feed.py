"""How fetching exchange rates is going."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("partners", "0014_held_rates")]

    operations = [
        migrations.CreateModel(
            name="RateFeed",
            fields=[
                ("single", models.BooleanField(default=True, primary_key=True, serialize=False)),
                ("tried_at", models.DateTimeField(null=True)),
                ("error", models.TextField(db_default="", default="", help_text="What went wrong at the last try.")),
                ("whole_until", models.DateField(help_text="Up to this day, no published day is missing.", null=True)),
            ],
            options={"default_permissions": ()},
        ),
    ]
