from django.db import migrations, models


class Migration(migrations.Migration):
    # Programs of the version before insert items without it, so it may be empty.

    dependencies = [
        ("actions", "0011_import_reading"),
    ]

    operations = [
        migrations.AddField(
            model_name="item",
            name="told",
            field=models.JSONField(editable=False, null=True),
        ),
    ]
