"""Postbacks count as set-up too: what fires is worked out from what was read of them."""

from django.db import migrations

# What decides whether and when a postback fires. Workers pause postbacks, and must not wait for anybody to do so.
COLUMNS = (
    "partner_id, media_source_id, action_tracker_id, scope, event_trigger, install, in_app_event_id, "
    "minimum_delay_seconds, deleted_at"
)


class Migration(migrations.Migration):
    dependencies = [("partners", "0002_setup_version"), ("postbacks", "0003_rollups")]

    operations = [
        migrations.RunSQL(
            f"CREATE TRIGGER setup_changed AFTER INSERT OR UPDATE OF {COLUMNS} OR DELETE ON postbacks_postback "
            "FOR EACH STATEMENT EXECUTE FUNCTION partners_setup_changed(); "
            "CREATE TRIGGER setup_emptied AFTER TRUNCATE ON postbacks_postback "
            "FOR EACH STATEMENT EXECUTE FUNCTION partners_setup_changed()",
            "DROP TRIGGER setup_changed ON postbacks_postback; DROP TRIGGER setup_emptied ON postbacks_postback",
        )
    ]
