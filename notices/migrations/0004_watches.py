from django.db import migrations, models

# Holds that the release before has told: their end is told as well.
HELD = """
INSERT INTO notices_watch (kind, subject, channel_key, at)
SELECT 'held', postback_id, 0, held_since FROM postbacks_lane WHERE held_since IS NOT NULL AND notice = ''
"""


class Migration(migrations.Migration):
    dependencies = [('notices', '0003_notices'), ('postbacks', '0010_derived_delivery_ids')]

    operations = [
        migrations.CreateModel(
            name='Watch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('held', 'A postback that was told to be held, since'), ('failing', 'A failing postback, since'), ('conversion', 'The latest conversion of a program, at'), ('quiet', 'A program that a channel was told to be quiet, since'), ('looked', 'When conversions were last looked at')], max_length=10)),
                ('subject', models.BigIntegerField(default=0, help_text='The id of the postback or program.')),
                ('channel_key', models.BigIntegerField(default=0, help_text='The id of the channel, where each has its own.')),
                ('at', models.DateTimeField()),
            ],
            options={
                'verbose_name_plural': 'watches',
                'constraints': [models.UniqueConstraint(fields=('kind', 'subject', 'channel_key'), name='watch_once')],
            },
        ),
        migrations.RunSQL(HELD, migrations.RunSQL.noop),
    ]
