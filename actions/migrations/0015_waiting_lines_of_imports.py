"""How many lines of an import wait for their orders."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("actions", "0014_item_told_attributes")]

    operations = [
        migrations.AddField(
            model_name="importpart", name="waiting", field=models.PositiveIntegerField(db_default=0, default=0)
        ),
    ]
