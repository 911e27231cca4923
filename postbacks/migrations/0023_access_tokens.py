"""What token servers have given last: one row for each postback that asks with OAuth 2.0."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("postbacks", "0022_needs_the_newer_release"),
    ]

    operations = [
        migrations.CreateModel(
            name='AccessToken',
            fields=[
                ('postback', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='access_token', serialize=False, to='postbacks.postback')),
                ('client', models.CharField(max_length=64)),
                ('token', models.TextField(db_default='', default='', help_text='Encrypted; empty where there is none.')),
                ('generation', models.PositiveBigIntegerField(db_default=0, default=0)),
                ('fetched_at', models.DateTimeField(null=True)),
                ('refresh_at', models.DateTimeField(null=True)),
                ('ends_at', models.DateTimeField(null=True)),
                ('rejected', models.BooleanField(db_default=False, default=False)),
                ('renewed', models.BooleanField(db_default=False, default=False)),
                ('proved', models.BooleanField(db_default=False, default=False)),
                ('busy_until', models.DateTimeField(help_text='A worker is fetching one.', null=True)),
                ('failures', models.PositiveIntegerField(db_default=0, default=0, help_text='In a row.')),
                ('failure', models.TextField(db_default='', default='', help_text='Why the last fetch gave none.')),
                ('retry_at', models.DateTimeField(null=True)),
            ],
            options={
                'default_permissions': (),
            },
        ),
    ]
