"""Amounts with the decimals of their currency, discounts, and what held when an action was recorded.

Everything is new and may be null, or becomes a type without bounds, for which PostgreSQL changes only its catalogue:
no row is written, and an earlier release goes on inserting and updating rows as it did. What it inserts gets what holds
at that moment. This migration and those after it change one table each: a transaction that locked two could wait for a
report that waits for it.
"""

from django.db import migrations, models

from partners.money_column import MoneyField

CREATE = """
CREATE FUNCTION actions_keep_what_holds() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.program_currency := (SELECT currency FROM partners_program WHERE id = NEW.program_id);
    NEW.partner_currency := coalesce((SELECT currency FROM partners_partner WHERE id = NEW.partner_id), '');
    NEW.term_figures := (
        SELECT partners_figures(id, payout_type, payout) FROM partners_contractterm WHERE id = NEW.contract_term_id
    );
    RETURN NEW;
END $$;
CREATE TRIGGER keep_what_holds BEFORE INSERT ON actions_action
    FOR EACH ROW WHEN (NEW.program_currency IS NULL) EXECUTE FUNCTION actions_keep_what_holds();
"""
DROP = """
DROP TRIGGER keep_what_holds ON actions_action;
DROP FUNCTION actions_keep_what_holds;
"""


def _add(model: str, name: str, field: models.Field) -> migrations.AddField:
    return migrations.AddField(model_name=model, name=name, field=field)


def _widen(model: str, name: str, **options: object) -> migrations.AlterField:
    return migrations.AlterField(model_name=model, name=name, field=MoneyField(**options))


class Migration(migrations.Migration):
    dependencies = [
        ("actions", "0007_personal_data_permission"),
        ("partners", "0008_first_figures_of_terms"),
    ]

    operations = [
        _widen("action", "original_amount", help_text="After discounts."),
        _widen("action", "amount", help_text="In the program's currency."),
        _widen("action", "intended_amount"),
        _widen("action", "payout", help_text="In the partner's currency."),
        _widen("action", "intended_payout"),
        _add("action", "order_discount", MoneyField(blank=True, null=True, help_text="Of the whole order, as reported, in the cart's currency.")),
        _add("action", "program_currency", models.CharField(blank=True, max_length=3, null=True)),
        _add("action", "partner_currency", models.CharField(blank=True, max_length=3, null=True)),
        _add("action", "term_figures", models.JSONField(editable=False, null=True)),
        _add("action", "net_lines", models.BooleanField(blank=True, null=True, help_text="Discounts had been taken off what was reported; unknown counts as yes.")),
        migrations.RunSQL(CREATE, DROP),
    ]
