"""An event that has deliveries is not deleted, also once these have no foreign key to it any more.

Whoever makes a delivery has made the event in the same transaction or holds the row of its action locked, so this waits
for that row. The rest is as for the actions (`actions/migrations/0029_actions_with_lines_or_events_stay.py`).
"""

from django.db import migrations

CREATE = """
SET LOCAL lock_timeout = '5s';
CREATE FUNCTION postbacks_event_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM actions_action WHERE id = OLD.action_id FOR UPDATE;
    IF current_setting('transaction_isolation') NOT LIKE 'read %'
        OR EXISTS (SELECT FROM postbacks_delivery WHERE event_id = OLD.id)
    THEN
        RAISE foreign_key_violation USING
            MESSAGE = format('The event %s has deliveries, so it cannot be deleted.', OLD.id);
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER stays AFTER DELETE ON actions_actionevent DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION postbacks_event_stays();
"""
DROP = "DROP TRIGGER stays ON actions_actionevent; DROP FUNCTION postbacks_event_stays"


class Migration(migrations.Migration):
    dependencies = [("postbacks", "0026_attempts_in_partitions"), ("actions", "0031_events_without_foreign_key")]

    operations = [migrations.RunSQL(CREATE, DROP)]
