"""A process of the previous release neither refuses nor keeps a change whose order is queued: it waits for the order.

As in the migration before; this is about what is written where there is no event. Only reports that come one at a time:
a batch notes its refusals after its recording, and so cannot begin anew.
"""

from django.db import migrations

CREATE = """
CREATE TRIGGER wait_for_queued BEFORE INSERT ON actions_submission FOR EACH ROW
WHEN (
    current_setting('postbacks.knows_queue', true) IS DISTINCT FROM 'yes'
    AND NEW.kind IN ('conversion', 'change', 'reversal') AND NEW.batch_id IS NULL
    AND (NEW.result = 'waiting' OR NEW.reason_code = 'ACTION_NOT_FOUND')
)
EXECUTE FUNCTION actions_wait_for_queued();
"""
DROP = "DROP TRIGGER wait_for_queued ON actions_submission"


class Migration(migrations.Migration):
    dependencies = [("actions", "0024_older_processes_wait_for_queued_reports")]

    operations = [migrations.RunSQL(CREATE, DROP)]
