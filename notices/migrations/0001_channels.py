import django.contrib.postgres.fields
import django.core.validators
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name='Channel',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, unique=True)),
                ('kind', models.CharField(choices=[('email', 'E-mail'), ('slack', 'Slack'), ('teams', 'Microsoft Teams'), ('webhook', 'Webhook')], max_length=7)),
                ('address', models.TextField(blank=True, help_text='Encrypted.')),
                ('signing_key', models.TextField(blank=True, editable=False, help_text='Encrypted; of a webhook.')),
                ('from_settings', models.BooleanField(default=False, editable=False, help_text='Its addresses are those of POSTBACKS_NOTICE_EMAILS.')),
                ('events', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=20), blank=True, default=list, size=None)),
                ('program_ids', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), blank=True, null=True, size=None)),
                ('quiet_hours', models.PositiveSmallIntegerField(default=24, help_text='After so many hours, “Nothing came in” is told for a program.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(2160)], verbose_name='hours without a conversion')),
                ('digest_hour', models.PositiveSmallIntegerField(blank=True, choices=[(0, 'at 00:00'), (1, 'at 01:00'), (2, 'at 02:00'), (3, 'at 03:00'), (4, 'at 04:00'), (5, 'at 05:00'), (6, 'at 06:00'), (7, 'at 07:00'), (8, 'at 08:00'), (9, 'at 09:00'), (10, 'at 10:00'), (11, 'at 11:00'), (12, 'at 12:00'), (13, 'at 13:00'), (14, 'at 14:00'), (15, 'at 15:00'), (16, 'at 16:00'), (17, 'at 17:00'), (18, 'at 18:00'), (19, 'at 19:00'), (20, 'at 20:00'), (21, 'at 21:00'), (22, 'at 22:00'), (23, 'at 23:00')], null=True, verbose_name='daily digest')),
                ('active', models.BooleanField(default=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('digested_on', models.DateField(blank=True, editable=False, null=True)),
                ('failing_since', models.DateTimeField(blank=True, editable=False, null=True)),
                ('answered_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('last_answer', models.TextField(blank=True, editable=False)),
            ],
            options={
                'ordering': ('name',),
                'constraints': [models.UniqueConstraint(condition=models.Q(('from_settings', True)), fields=('from_settings',), name='channel_of_settings_once')],
            },
        ),
    ]
