"""Where events wait that a process of the previous release has recorded for postbacks with conditions."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("postbacks", "0016_conditions")]

    operations = [
        migrations.CreateModel(
            name="PutAside",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("postback_id", models.BigIntegerField()),
                ("action_id", models.BigIntegerField(db_index=True)),
                ("event_id", models.BigIntegerField()),
            ],
            options={"verbose_name_plural": "put aside"},
        ),
    ]
