"""Items with the decimals of their currency, and their discounts."""

from django.db import migrations, models

from partners.money_column import MoneyField


def _add(model: str, name: str, field: models.Field) -> migrations.AddField:
    return migrations.AddField(model_name=model, name=name, field=field)


def _widen(model: str, name: str, **options: object) -> migrations.AlterField:
    return migrations.AlterField(model_name=model, name=name, field=MoneyField(**options))


class Migration(migrations.Migration):
    dependencies = [("actions", "0008_money_of_its_time")]

    operations = [
        _widen("item", "sub_total", default=0),
        _widen("item", "amount", default=0),
        _widen("item", "discount", blank=True, null=True, help_text="The line's own, all pieces together."),
        _add("item", "order_share", MoneyField(blank=True, null=True, help_text="Its share of the order's discount.")),
        _add("item", "discount_each", MoneyField(editable=False, null=True)),
        _add("item", "discount_rate", MoneyField(editable=False, null=True)),
    ]
