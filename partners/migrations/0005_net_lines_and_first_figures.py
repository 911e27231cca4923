"""Event types that report net lines; and what held before the first change of a currency or of a term's figures."""

import django.core.validators
from django.db import migrations, models

import partners.money_column


class Migration(migrations.Migration):
    dependencies = [("partners", "0004_attribution_rules")]

    operations = [
        migrations.AddField(
            model_name="actiontracker",
            name="net_lines",
            field=models.BooleanField(db_default=False, default=False, help_text="Prices, subtotals and totals are reported after all discounts, so none is taken off. Holds for new actions."),
        ),
        migrations.AlterField(
            model_name="program",
            name="currency",
            field=models.CharField(help_text="Of amounts. Another one holds for new actions.", max_length=3, validators=[django.core.validators.RegexValidator("^[A-Z]{3}\\Z", "A currency is three capital letters, such as USD.")]),
        ),
        migrations.AlterField(
            model_name="partner",
            name="currency",
            field=models.CharField(help_text="Of payouts. Another one holds for new actions.", max_length=3, validators=[django.core.validators.RegexValidator("^[A-Z]{3}\\Z", "A currency is three capital letters, such as USD.")]),
        ),
        migrations.AddField(
            model_name="program", name="first_currency", field=models.CharField(editable=False, max_length=3, null=True)
        ),
        migrations.AddField(
            model_name="partner", name="first_currency", field=models.CharField(editable=False, max_length=3, null=True)
        ),
        migrations.AddField(
            model_name="contractterm", name="first_figures", field=models.JSONField(editable=False, null=True)
        ),
        # To a type without bounds: PostgreSQL changes only its catalogue, and writes no row.
        migrations.AlterField(
            model_name="contractterm",
            name="monthly_payout_limit",
            field=partners.money_column.MoneyField(blank=True, help_text="Payout per calendar month in the partner's currency; empty means no limit.", null=True, validators=[django.core.validators.MinValueValidator(0)]),
        ),
    ]
