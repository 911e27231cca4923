"""Event types that report net lines."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("partners", "0004_attribution_rules")]

    operations = [
        migrations.AddField(
            model_name="actiontracker",
            name="net_lines",
            field=models.BooleanField(db_default=False, default=False, help_text="Prices, subtotals and totals are reported after all discounts, so none is taken off. Holds for new actions."),
        ),
    ]
