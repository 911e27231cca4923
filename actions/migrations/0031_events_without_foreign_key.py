"""Events are written without a look at their action (`0029_actions_with_lines_or_events_stay`)."""

import django.db.models.deletion
from django.db import migrations, models

# As for the lines.
LOCK = "SET LOCAL lock_timeout = '5s'; LOCK TABLE actions_action, actions_actionevent IN ACCESS EXCLUSIVE MODE"


class Migration(migrations.Migration):
    dependencies = [("actions", "0030_lines_without_foreign_key")]

    operations = [
        migrations.RunSQL(LOCK, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="actionevent",
            name="action",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="events",
                to="actions.action",
            ),
        ),
    ]
