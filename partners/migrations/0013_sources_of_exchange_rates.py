"""Where an exchange rate comes from. What an earlier release adds counts as typed."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("partners", "0012_early_changes")]

    operations = [
        migrations.AddField(
            model_name="exchangerate",
            name="source",
            field=models.CharField(choices=[("hand", "Typed"), ("ecb", "European Central Bank")], db_default="hand", default="hand", editable=False, max_length=4),
        ),
        migrations.AddField(
            model_name="exchangerate",
            name="kept",
            field=models.BooleanField(db_default=False, default=False, help_text="It stays in force when the European Central Bank publishes later rates, until a later one is typed.", verbose_name="keep"),
        ),
        # The wider constraint first, so that there is always one.
        migrations.AddConstraint(
            model_name="exchangerate",
            constraint=models.UniqueConstraint(fields=("from_currency", "to_currency", "date", "source"), name="one_rate_per_pair_day_and_source", violation_error_message="The two currencies have another typed rate for this date."),
        ),
        migrations.RemoveConstraint(model_name="exchangerate", name="one_rate_per_pair_and_day"),
    ]
