from django.db import migrations, models


class Migration(migrations.Migration):
    # Programs of the version before insert items without it, so it may be empty.

    dependencies = [
        ("actions", "0013_worth_of_new_actions"),
    ]

    operations = [
        migrations.AddField(
            model_name="item",
            name="told",
            field=models.JSONField(editable=False, null=True),
        ),
    ]
