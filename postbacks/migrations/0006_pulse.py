"""When the sweep and beat were last at work."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("postbacks", "0005_secrets")]

    operations = [
        migrations.CreateModel(
            name="Pulse",
            fields=[
                ("name", models.CharField(max_length=20, primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
            ],
            options={"verbose_name_plural": "pulses"},
        ),
    ]
