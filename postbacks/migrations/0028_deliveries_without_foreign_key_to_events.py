"""Deliveries are made without a look at their event (`0027_events_with_deliveries_stay`)."""

import django.db.models.deletion
from django.db import migrations, models

# Both tables are locked for a moment, in the order in which recordings lock them. Whoever is in the way ends the
# migration, not the traffic behind it.
LOCK = "SET LOCAL lock_timeout = '5s'; LOCK TABLE actions_actionevent, postbacks_delivery IN ACCESS EXCLUSIVE MODE"


class Migration(migrations.Migration):
    dependencies = [("postbacks", "0027_events_with_deliveries_stay")]

    operations = [
        migrations.RunSQL(LOCK, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="delivery",
            name="event",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="deliveries",
                to="actions.actionevent",
            ),
        ),
    ]
