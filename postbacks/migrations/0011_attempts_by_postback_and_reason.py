"""Attempts say of which postback they are, why they failed and when they were recorded.

Those of before stay empty there, so no row is written again: the default of the time is set after the column is added.
"""

import django.db.models.deletion
from django.contrib.postgres.functions import TransactionNow
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("postbacks", "0010_derived_delivery_ids")]

    operations = [
        migrations.AddField(
            model_name="attempt",
            name="postback",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                db_index=False,
                help_text="That of the delivery.",
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="postbacks.postback",
            ),
        ),
        migrations.AddField(
            model_name="attempt",
            name="why",
            field=models.CharField(
                blank=True, help_text="The code of the reason; blank for a success.", max_length=20, null=True
            ),
        ),
        migrations.AddField(
            model_name="attempt",
            name="recorded_at",
            field=models.DateTimeField(blank=True, help_text="When its result was recorded.", null=True),
        ),
        migrations.AlterField(
            model_name="attempt",
            name="recorded_at",
            field=models.DateTimeField(
                blank=True, db_default=TransactionNow(), help_text="When its result was recorded.", null=True
            ),
        ),
    ]
