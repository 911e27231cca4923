"""Reports that have been answered and are not recorded yet: a table of few rows, each of which lives for milliseconds."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

# Dead rows are all that there is of it, so a share of the live ones is no measure.
OFTEN_VACUUMED = """
ALTER TABLE actions_queuedreport SET (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_analyze_scale_factor = 0,
    autovacuum_analyze_threshold = 100000
)
"""


class Migration(migrations.Migration):
    dependencies = [("actions", "0021_actions_of_a_partner")]

    operations = [
        migrations.CreateModel(
            name="QueuedReport",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("kind", models.CharField(choices=[("conversion", "Conversion"), ("change", "Modification or restoration"), ("reversal", "Reversal"), ("batch", "Batch"), ("file", "Line of a file")], max_length=10)),
                ("received_at", models.DateTimeField()),
                ("queued_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("order_id", models.CharField(help_text="Of a change by ActionId, the action's.", max_length=255)),
                ("fields", models.TextField(help_text="What was reported, as JSON.")),
                ("token", models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="actions.apitoken")),
            ],
            options={
                "ordering": ("id",),
                "indexes": [models.Index(fields=["order_id", "id"], name="queued_report_order")],
            },
        ),
        migrations.RunSQL(OFTEN_VACUUMED, migrations.RunSQL.noop),
    ]
