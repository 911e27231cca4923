"""An action that has lines or events is not deleted, also once these have no foreign keys any more.

What a foreign key's check does to each new row, it did for nothing: whoever writes a line or an event has made the
action in the same transaction or holds its row locked. What it did for the action stays here, and as late as it did:
at the commit, when whoever held the row has committed. Where a transaction does not see what was committed since it
began, nothing is deleted.
"""

from django.db import migrations

CREATE = """
SET LOCAL lock_timeout = '5s';
CREATE FUNCTION actions_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('transaction_isolation') NOT LIKE 'read %'
        OR EXISTS (SELECT FROM actions_item WHERE action_id = OLD.id)
        OR EXISTS (SELECT FROM actions_actionevent WHERE action_id = OLD.id)
    THEN
        RAISE foreign_key_violation USING
            MESSAGE = format('The action %s has lines or events, so it cannot be deleted.', OLD.id);
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER stays AFTER DELETE ON actions_action DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION actions_stays();
"""
DROP = "DROP TRIGGER stays ON actions_action; DROP FUNCTION actions_stays"


class Migration(migrations.Migration):
    dependencies = [("actions", "0028_rates_of_actions")]

    operations = [migrations.RunSQL(CREATE, DROP)]
