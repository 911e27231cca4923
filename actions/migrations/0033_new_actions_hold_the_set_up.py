"""What a new action refers to in the set-up is held until the commit, also once there are no foreign keys to it.

A foreign key looks at the parents of each row. A recording holds those of all its new actions at once
(`actions.recording.holding`) and says so. For a transaction that does not, such as one of the release before, a trigger holds
them row by row, as late as a foreign key would.
"""

from django.db import migrations

CREATE = """
SET LOCAL lock_timeout = '5s';
CREATE FUNCTION actions_hold_setup(programs bigint[], trackers bigint[], partners bigint[], terms bigint[])
-- Planned once: PostgreSQL would plan it anew each time, which a report alone feels.
RETURNS void LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    held bigint;
BEGIN
    -- Each array holds each id once. Sorted, so that two of them never wait for each other in a circle.
    SELECT (SELECT count(*) FROM (
            SELECT FROM partners_program WHERE id = ANY (programs) ORDER BY id FOR KEY SHARE) a)
        + (SELECT count(*) FROM (
            SELECT FROM partners_actiontracker WHERE id = ANY (trackers) ORDER BY id FOR KEY SHARE) b)
        + (SELECT count(*) FROM (
            SELECT FROM partners_partner WHERE id = ANY (partners) ORDER BY id FOR KEY SHARE) c)
        + (SELECT count(*) FROM (
            SELECT FROM partners_contractterm WHERE id = ANY (terms) ORDER BY id FOR KEY SHARE) d)
    INTO held;
    IF held <> cardinality(programs) + cardinality(trackers) + cardinality(partners) + cardinality(terms) THEN
        RAISE foreign_key_violation USING
            MESSAGE = 'The program, event type, partner or contract term of an action has been deleted.';
    END IF;
END $$;
CREATE FUNCTION actions_hold_setup_of_one() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    now_is actions_action;
BEGIN
    SELECT * INTO now_is FROM actions_action WHERE id = NEW.id;
    IF FOUND THEN
        PERFORM actions_hold_setup(
            ARRAY[now_is.program_id], ARRAY[now_is.action_tracker_id],
            array_remove(ARRAY[now_is.partner_id], NULL), array_remove(ARRAY[now_is.contract_term_id], NULL));
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER holds_setup
AFTER INSERT OR UPDATE OF program_id, action_tracker_id, partner_id, contract_term_id ON actions_action
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
WHEN (current_setting('postbacks.holds_setup', true) IS DISTINCT FROM 'yes')
EXECUTE FUNCTION actions_hold_setup_of_one();
CREATE FUNCTION actions_setup_stays() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    is_named boolean;
BEGIN
    EXECUTE format(
        'SELECT EXISTS (SELECT FROM actions_action WHERE %I = $1) AND NOT EXISTS (SELECT FROM %s WHERE id = $1)',
        TG_ARGV[0], TG_RELID::regclass
    ) INTO is_named USING OLD.id;
    IF is_named OR current_setting('transaction_isolation') NOT LIKE 'read %' THEN
        RAISE foreign_key_violation USING
            MESSAGE = format('Actions refer to the row %s of %s, so it cannot be deleted.', OLD.id, TG_TABLE_NAME);
    END IF;
    RETURN NULL;
END $$;
"""
DROP = """
DROP TRIGGER holds_setup ON actions_action;
DROP FUNCTION actions_hold_setup_of_one, actions_hold_setup, actions_setup_stays;
"""


class Migration(migrations.Migration):
    dependencies = [("actions", "0032_accounts_of_their_own"), ("partners", "0015_rate_feed")]

    operations = [migrations.RunSQL(CREATE, DROP)]
