"""What a term paid before that changed for the first time."""

import django.core.validators
from django.db import migrations, models

import partners.money_column

CREATE = """
CREATE FUNCTION partners_figures(term bigint, payout_type text, payout numeric) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_array(payout_type, payout::text) || coalesce(
        (SELECT jsonb_agg(jsonb_build_array(c.category, c.payout_type, c.payout::text) ORDER BY c.category)
         FROM partners_categorypayout c WHERE c.contract_term_id = term),
        '[]'::jsonb
    )
$$;

CREATE FUNCTION partners_keep_first_figures() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.first_figures := coalesce(
        OLD.first_figures,
        NEW.first_figures,
        CASE WHEN (OLD.payout_type, OLD.payout) <> (NEW.payout_type, NEW.payout)
            THEN partners_figures(OLD.id, OLD.payout_type, OLD.payout) END
    );
    RETURN NEW;
END $$;
CREATE TRIGGER keep_first_figures BEFORE UPDATE ON partners_contractterm
    FOR EACH ROW EXECUTE FUNCTION partners_keep_first_figures();
"""
DROP = """
DROP TRIGGER keep_first_figures ON partners_contractterm;
DROP FUNCTION partners_keep_first_figures, partners_figures;
"""


class Migration(migrations.Migration):
    dependencies = [("partners", "0007_first_currency_of_partners")]

    operations = [
        migrations.AddField(
            model_name="contractterm", name="first_figures", field=models.JSONField(editable=False, null=True)
        ),
        # To a type without bounds: PostgreSQL changes only its catalogue, and writes no row.
        migrations.AlterField(
            model_name="contractterm",
            name="monthly_payout_limit",
            field=partners.money_column.MoneyField(blank=True, help_text="Payout per calendar month in the partner's currency; empty means no limit.", null=True, validators=[django.core.validators.MinValueValidator(0)]),
        ),
        migrations.RunSQL(CREATE, DROP),
    ]
