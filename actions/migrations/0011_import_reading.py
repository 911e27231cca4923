from django.db import migrations, models


class Migration(migrations.Migration):
    # Programs of the version before insert runs without the new columns, so these may be empty.

    dependencies = [
        ("actions", "0010_first_figures_of_categories"),
    ]

    operations = [
        migrations.AddField(
            model_name="importrun",
            name="file_sha256",
            field=models.CharField(blank=True, max_length=64, null=True),
        ),
        migrations.AddField(
            model_name="importrun",
            name="reading",
            field=models.CharField(blank=True, max_length=100, null=True),
        ),
        migrations.AlterField(
            model_name="importrun",
            name="sha256",
            field=models.CharField(help_text="Of the file and of how it is read.", max_length=64),
        ),
    ]
