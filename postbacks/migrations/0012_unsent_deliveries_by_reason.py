"""A delivery that failed without an attempt says why in a code, like an attempt."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("postbacks", "0011_attempts_by_postback_and_reason")]

    operations = [
        migrations.AddField(
            model_name="delivery",
            name="unsent_why",
            field=models.CharField(
                blank=True,
                help_text="The code of the reason, where it failed without an attempt.",
                max_length=20,
                null=True,
            ),
        ),
    ]
