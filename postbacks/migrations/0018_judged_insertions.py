"""Deliveries of postbacks with conditions are inserted only by processes that judge conditions.

Such a process says so in each statement that inserts (`postbacks.delivery.chains.insertion`). What another one inserts,
which is of the previous release, is put aside until it has been judged; what goes again by hand, and so has the id of
an earlier delivery, is not judged.
"""

from django.db import migrations

CREATE = """
CREATE FUNCTION postbacks_put_aside() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.known_as IS NOT NULL OR NOT EXISTS (
        SELECT 1 FROM postbacks_postback WHERE id = NEW.postback_id AND conditions <> '[]'
    ) THEN
        RETURN NEW;
    END IF;
    INSERT INTO postbacks_putaside (postback_id, action_id, event_id)
    VALUES (NEW.postback_id, NEW.action_id, NEW.event_id);
    RETURN NULL;
END $$;
CREATE TRIGGER put_aside BEFORE INSERT ON postbacks_delivery
FOR EACH ROW WHEN (current_setting('postbacks.judges', true) IS DISTINCT FROM 'conditions')
EXECUTE FUNCTION postbacks_put_aside();
"""
DROP = "DROP TRIGGER put_aside ON postbacks_delivery; DROP FUNCTION postbacks_put_aside"


class Migration(migrations.Migration):
    dependencies = [("postbacks", "0017_put_aside")]

    operations = [migrations.RunSQL(CREATE, DROP)]
