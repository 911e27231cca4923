"""Postbacks may have conditions; what fires is worked out anew when these change."""

from django.db import migrations, models
from django.db.models import Value

_TRIGGER = """
CREATE TRIGGER conditions_changed AFTER UPDATE OF conditions, conditions_match ON postbacks_postback
FOR EACH STATEMENT EXECUTE FUNCTION partners_setup_changed()
"""


class Migration(migrations.Migration):
    dependencies = [("postbacks", "0015_saved_filters")]

    operations = [
        migrations.AddField(
            model_name="postback",
            name="conditions_match",
            field=models.CharField(
                choices=[("all", "All conditions hold"), ("any", "Any of the conditions holds")],
                db_default="all",
                default="all",
                max_length=3,
                verbose_name="Fires if",
            ),
        ),
        migrations.AddField(
            model_name="postback",
            name="conditions",
            field=models.JSONField(
                blank=True,
                db_default=Value([], models.JSONField()),
                default=list,
                help_text="What the values of an event must be; empty: anything.",
            ),
        ),
        migrations.RunSQL(_TRIGGER, "DROP TRIGGER conditions_changed ON postbacks_postback"),
    ]
