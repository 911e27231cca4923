"""A new database begins with attempts in partitions; an existing one is moved by `manage.py partition_tables`."""

from django.db import migrations

from postbacks.partitions.move import start_partitioned


def start(_apps, editor):
    with editor.connection.cursor() as cursor:
        start_partitioned(cursor)


class Migration(migrations.Migration):
    dependencies = [("postbacks", "0025_attempts_without_foreign_key")]

    # Both releases work with either table, so there is nothing to undo.
    operations = [migrations.RunPython(start, migrations.RunPython.noop, elidable=False)]
