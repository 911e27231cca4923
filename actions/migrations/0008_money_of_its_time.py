"""Amounts with the decimals of their currency, discounts, and what held when an action was recorded.

Everything is new and may be null, or becomes a type without bounds, for which PostgreSQL changes only its catalogue:
no row is written, and an earlier release goes on inserting and updating rows as it did.
"""

from django.db import migrations, models

from partners.money_column import MoneyField

# What an earlier release inserts gets what holds at that moment.
# The first currency and the first figures hold for the actions from before. They are kept by the database, since a row
# may be changed by any program. Once written they stay: a row that was read before is saved without them.
CREATE = """
CREATE FUNCTION partners_figures(term bigint, payout_type text, payout numeric) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_array(payout_type, payout::text) || coalesce(
        (SELECT jsonb_agg(jsonb_build_array(c.category, c.payout_type, c.payout::text) ORDER BY c.category)
         FROM partners_categorypayout c WHERE c.contract_term_id = term),
        '[]'::jsonb
    )
$$;

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

CREATE FUNCTION partners_keep_first_currency() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.first_currency := coalesce(
        OLD.first_currency, NEW.first_currency, CASE WHEN OLD.currency <> NEW.currency THEN OLD.currency END
    );
    RETURN NEW;
END $$;
CREATE TRIGGER keep_first_currency BEFORE UPDATE ON partners_program
    FOR EACH ROW EXECUTE FUNCTION partners_keep_first_currency();
CREATE TRIGGER keep_first_currency BEFORE UPDATE ON partners_partner
    FOR EACH ROW EXECUTE FUNCTION partners_keep_first_currency();

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

-- Before the first row of a statement changes, all others stand as they were. A term without actions has nothing to
-- keep: its categories are being written for the first time.
CREATE FUNCTION partners_keep_first_figures_of_term(term bigint) RETURNS void LANGUAGE sql AS $$
    UPDATE partners_contractterm SET first_figures = partners_figures(id, payout_type, payout)
    WHERE id = term AND first_figures IS NULL
        AND EXISTS (SELECT FROM actions_action a WHERE a.contract_term_id = term)
$$;
CREATE FUNCTION partners_keep_first_figures_of_category() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM partners_keep_first_figures_of_term(OLD.contract_term_id);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM partners_keep_first_figures_of_term(NEW.contract_term_id);
        RETURN NEW;
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER keep_first_figures BEFORE INSERT OR UPDATE OR DELETE ON partners_categorypayout
    FOR EACH ROW EXECUTE FUNCTION partners_keep_first_figures_of_category();
"""
DROP = """
DROP TRIGGER keep_first_figures ON partners_categorypayout;
DROP TRIGGER keep_first_figures ON partners_contractterm;
DROP TRIGGER keep_first_currency ON partners_partner;
DROP TRIGGER keep_first_currency ON partners_program;
DROP TRIGGER keep_what_holds ON actions_action;
DROP FUNCTION actions_keep_what_holds, partners_keep_first_figures_of_category, partners_keep_first_figures_of_term,
    partners_keep_first_figures, partners_keep_first_currency, partners_figures;
"""


def _add(model: str, name: str, field: models.Field) -> migrations.AddField:
    return migrations.AddField(model_name=model, name=name, field=field)


def _widen(model: str, name: str, **options: object) -> migrations.AlterField:
    return migrations.AlterField(model_name=model, name=name, field=MoneyField(**options))


class Migration(migrations.Migration):
    dependencies = [
        ("actions", "0007_personal_data_permission"),
        ("partners", "0005_net_lines_and_first_figures"),
    ]

    operations = [
        _widen("action", "original_amount", help_text="After discounts."),
        _widen("action", "amount", help_text="In the program's currency."),
        _widen("action", "intended_amount"),
        _widen("action", "payout", help_text="In the partner's currency."),
        _widen("action", "intended_payout"),
        _widen("item", "sub_total", default=0),
        _widen("item", "amount", default=0),
        _widen("item", "discount", blank=True, null=True, help_text="The line's own, all pieces together."),
        _add("action", "order_discount", MoneyField(blank=True, null=True, help_text="Of the whole order, as reported, in the cart's currency.")),
        _add("action", "program_currency", models.CharField(blank=True, max_length=3, null=True)),
        _add("action", "partner_currency", models.CharField(blank=True, max_length=3, null=True)),
        _add("action", "term_figures", models.JSONField(editable=False, null=True)),
        _add("action", "net_lines", models.BooleanField(blank=True, null=True, help_text="Discounts had been taken off what was reported; unknown counts as yes.")),
        _add("item", "order_share", MoneyField(blank=True, null=True, help_text="Its share of the order's discount.")),
        _add("item", "discount_each", MoneyField(editable=False, null=True)),
        _add("item", "discount_rate", MoneyField(editable=False, null=True)),
        migrations.RunSQL(CREATE, DROP),
    ]
