"""An event type that actions refer to is not deleted (`0033_new_actions_hold_the_set_up`)."""

from django.db import migrations

CREATE = """
SET LOCAL lock_timeout = '5s';
CREATE CONSTRAINT TRIGGER actions_stay AFTER DELETE OR UPDATE OF id ON partners_actiontracker DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION actions_setup_stays('action_tracker_id');
"""
DROP = "DROP TRIGGER actions_stay ON partners_actiontracker"


class Migration(migrations.Migration):
    dependencies = [("actions", "0034_programs_with_actions_stay")]

    operations = [migrations.RunSQL(CREATE, DROP)]
