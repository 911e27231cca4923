"""A process of the previous release records nothing of an order of which reports are still queued.

It knows nothing of the queue, and would record a later report before an earlier one. So what it writes of such an order
is turned back, in the words that every release takes for "another process is recording this order at this moment": it
begins anew, until the reports are recorded, normally within milliseconds. What is queued for so long that something
must be in the way does not hold it up. Those that know the queue say so (`actions.recording.record`); they look there
themselves.

Once no release without the queue is supported, both triggers can go.
"""

from django.db import migrations

CREATE = """
CREATE FUNCTION actions_wait_for_queued() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    its_order text;
BEGIN
    IF TG_TABLE_NAME = 'actions_actionevent' THEN
        SELECT order_id INTO its_order FROM actions_action WHERE id = NEW.action_id;
    ELSE
        -- Some releases do not note the order with the submission.
        its_order := coalesce(nullif(NEW.order_id, ''), NEW.fields ->> 'OrderId', '');
    END IF;
    IF its_order <> '' AND (EXISTS (
        SELECT FROM actions_queuedreport
        WHERE order_id = its_order AND queued_at > clock_timestamp() - interval '15 seconds'
    ) OR (TG_TABLE_NAME = 'actions_submission' AND EXISTS (
        -- Recorded after the process looked for it, and before this.
        SELECT FROM actions_action
        WHERE order_id = its_order AND created_at > clock_timestamp() - interval '5 seconds'
    ))) THEN
        PERFORM pg_sleep(0.02);
        RAISE unique_violation USING
            MESSAGE = 'Earlier reports of this order are queued.', CONSTRAINT = 'order_id_once_per_window';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER wait_for_queued BEFORE INSERT ON actions_actionevent FOR EACH ROW
WHEN (current_setting('postbacks.knows_queue', true) IS DISTINCT FROM 'yes')
EXECUTE FUNCTION actions_wait_for_queued();
"""
DROP = "DROP TRIGGER wait_for_queued ON actions_actionevent; DROP FUNCTION actions_wait_for_queued"


class Migration(migrations.Migration):
    dependencies = [("actions", "0023_no_second_index_by_partner")]

    operations = [migrations.RunSQL(CREATE, DROP)]
