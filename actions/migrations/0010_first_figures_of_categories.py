"""What a term paid for a category before that changed for the first time."""

from django.db import migrations

CREATE = """
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
DROP FUNCTION partners_keep_first_figures_of_category, partners_keep_first_figures_of_term;
"""


class Migration(migrations.Migration):
    dependencies = [("actions", "0009_money_of_items")]

    operations = [migrations.RunSQL(CREATE, DROP)]
