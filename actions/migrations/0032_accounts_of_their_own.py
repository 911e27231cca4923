from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("actions", "0031_events_without_foreign_key")]

    operations = [
        migrations.AddField(
            model_name="apitoken",
            name="own_account",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
    ]
