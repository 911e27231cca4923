"""Changes that came before their orders. What the choices of submissions say changes no table."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("actions", "0015_waiting_lines_of_imports"), ("partners", "0012_early_changes")]

    operations = [
        migrations.AlterField(
            model_name="submission",
            name="kind",
            field=models.CharField(choices=[("conversion", "Conversion"), ("change", "Modification or restoration"), ("reversal", "Reversal"), ("batch", "Batch"), ("file", "Line of a file")], max_length=10),
        ),
        migrations.AlterField(
            model_name="submission",
            name="result",
            field=models.CharField(choices=[("recorded", "Recorded"), ("repeated", "Repeated"), ("rejected", "Rejected"), ("waiting", "Waits for its order"), ("running", "In progress"), ("complete", "Complete")], max_length=8),
        ),
        migrations.CreateModel(
            name="EarlyChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(choices=[("created", "Created"), ("modified", "Modified"), ("reversed", "Reversed"), ("restored", "Restored"), ("locked", "Locked"), ("cleared", "Cleared")], max_length=10)),
                ("order_id", models.CharField(max_length=255)),
                ("waits_until", models.DateTimeField()),
                ("action_tracker", models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="early_changes", to="partners.actiontracker", verbose_name="event type")),
                ("submission", models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name="early_change", to="actions.submission")),
            ],
            options={
                "ordering": ("id",),
                "indexes": [models.Index(fields=["action_tracker", "order_id", "id"], name="early_change_order"), models.Index(fields=["waits_until"], name="early_change_waits_until")],
            },
        ),
    ]
