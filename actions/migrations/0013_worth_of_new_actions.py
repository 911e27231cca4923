"""What an action was worth when it was created, kept with its first change, so that a later one can put it back."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("actions", "0012_scopes_of_tokens")]

    operations = [
        migrations.AddField(
            model_name="action", name="created_worth", field=models.JSONField(editable=False, null=True)
        ),
    ]
