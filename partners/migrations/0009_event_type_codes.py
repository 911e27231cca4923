"""Codes by which reports may name event types."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("partners", "0008_first_figures_of_terms")]

    # The table has a row for each event type: the index is there in a moment.
    operations = [
        migrations.AddField(
            model_name="actiontracker",
            name="code",
            field=models.CharField(blank=True, db_default="", default="", help_text="Reports may name the event type by this code (EventTypeCode) in place of its id.", max_length=64),
        ),
        migrations.AddConstraint(
            model_name="actiontracker",
            constraint=models.UniqueConstraint(condition=models.Q(("code", ""), _negated=True), fields=("code", "program"), name="tracker_code_once_per_program", violation_error_message="Another event type of the program has this code."),
        ),
    ]
