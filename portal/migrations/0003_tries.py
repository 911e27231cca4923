from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("portal", "0002_sessions")]

    operations = [
        migrations.CreateModel(
            name="Tries",
            fields=[
                ("key", models.CharField(max_length=100, primary_key=True, serialize=False)),
                ("since", models.DateTimeField()),
                ("count", models.PositiveIntegerField()),
            ],
            options={
                "verbose_name_plural": "tries",
                "indexes": [models.Index(fields=["since"], name="portal_tries_since")],
            },
        ),
    ]
