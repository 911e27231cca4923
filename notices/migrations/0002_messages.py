import uuid

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [('notices', '0001_channels')]

    operations = [
        migrations.CreateModel(
            name='Message',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.UUIDField(default=uuid.uuid4, help_text="By which a webhook's receiver recognises a repetition.")),
                ('content', models.JSONField()),
                ('made_at', models.DateTimeField()),
                ('tries', models.PositiveSmallIntegerField(default=0)),
                ('next_try_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('told', models.BooleanField(default=False)),
                ('channel', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='messages', to='notices.channel')),
            ],
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(fields=['channel', 'made_at'], name='message_of_channel'),
        ),
        migrations.AddConstraint(
            model_name='message',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('channel',), name='message_one_waits_per_channel'),
        ),
    ]
