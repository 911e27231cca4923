"""Lines are written without a look at their action (`0029_actions_with_lines_or_events_stay`)."""

import django.db.models.deletion
from django.db import migrations, models

# Both tables are locked for a moment, in the order in which recordings lock them. Whoever is in the way ends the
# migration, not the traffic behind it.
LOCK = "SET LOCAL lock_timeout = '5s'; LOCK TABLE actions_action, actions_item IN ACCESS EXCLUSIVE MODE"


class Migration(migrations.Migration):
    dependencies = [("actions", "0029_actions_with_lines_or_events_stay")]

    operations = [
        migrations.RunSQL(LOCK, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="item",
            name="action",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="items",
                to="actions.action",
            ),
        ),
    ]
