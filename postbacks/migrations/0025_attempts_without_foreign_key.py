"""Attempts can be dropped in partitions without a look at deliveries, and are recorded without one."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("postbacks", "0024_send_trace")]

    operations = [
        # Both tables are locked for a moment. Whoever is in the way ends the migration, not the traffic behind it.
        migrations.RunSQL("SET LOCAL lock_timeout = '5s'", migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="attempt",
            name="delivery",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="attempts",
                to="postbacks.delivery",
            ),
        ),
    ]
