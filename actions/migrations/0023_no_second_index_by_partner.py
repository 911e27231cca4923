"""`action_of_partner` begins with the partner, so the index by the partner alone only made each new action slower."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

DROP = "DROP INDEX CONCURRENTLY IF EXISTS actions_action_partner_id_b126d805"
CREATE = "CREATE INDEX CONCURRENTLY IF NOT EXISTS actions_action_partner_id_b126d805 ON actions_action (partner_id)"


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("actions", "0022_queued_reports")]

    operations = [
        migrations.SeparateDatabaseAndState(
            [migrations.RunSQL(DROP, CREATE)],
            [
                migrations.AlterField(
                    "action",
                    "partner",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="actions",
                        to="partners.partner",
                    ),
                )
            ],
        )
    ]
