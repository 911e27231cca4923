"""Published rates that wait for an operator."""

import django.core.validators
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("partners", "0013_sources_of_exchange_rates")]

    operations = [
        migrations.CreateModel(
            name="HeldRate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("currency", models.CharField(max_length=3, validators=[django.core.validators.RegexValidator("^[A-Z]{3}\\Z", "A currency is three capital letters, such as USD.")])),
                ("date", models.DateField()),
                ("published", models.CharField(max_length=40)),
                ("rate", models.DecimalField(decimal_places=8, max_digits=18, null=True)),
                ("reason", models.CharField(max_length=200)),
                ("held_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ("declined_at", models.DateTimeField(editable=False, null=True)),
            ],
            options={"ordering": ("-date", "currency"), "default_permissions": ("view", "change")},
        ),
        migrations.AddConstraint(
            model_name="heldrate",
            constraint=models.UniqueConstraint(fields=("currency", "date"), name="held_rate_once"),
        ),
    ]
