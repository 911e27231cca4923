"""Header values that are kept secret, and keys that requests are signed with: both encrypted."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("postbacks", "0004_setup_version")]

    operations = [
        migrations.AddField("postback", "secret_headers", models.JSONField(blank=True, default=list)),
        migrations.AddField("postback", "signing_key", models.TextField(blank=True, editable=False)),
        migrations.AddField(
            "postback", "signing_key_made_at", models.DateTimeField(blank=True, editable=False, null=True)
        ),
        migrations.AddField("postback", "previous_signing_key", models.TextField(blank=True, editable=False)),
        migrations.AddField(
            "postback", "previous_signing_key_until", models.DateTimeField(blank=True, editable=False, null=True)
        ),
    ]
