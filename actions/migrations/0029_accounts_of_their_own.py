from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("actions", "0028_rates_of_actions")]

    operations = [
        migrations.AddField(
            model_name="apitoken",
            name="own_account",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
    ]
