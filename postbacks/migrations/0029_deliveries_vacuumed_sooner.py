"""Deliveries are vacuumed sooner than PostgreSQL would by itself: a claim passes over what has left its lane since."""

from django.db import migrations

# A share, because each time all indexes are read: a fixed number would cost more the more there is.
SOONER = """
DO $$ BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_class c CROSS JOIN LATERAL pg_options_to_table(c.reloptions) o
        WHERE c.oid = 'postbacks_delivery'::regclass AND o.option_name = 'autovacuum_vacuum_scale_factor'
    ) THEN
        SET LOCAL lock_timeout = '5s';
        ALTER TABLE postbacks_delivery SET (autovacuum_vacuum_scale_factor = 0.05);
    END IF;
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("postbacks", "0028_deliveries_without_foreign_key_to_events")]

    operations = [migrations.RunSQL(SOONER, migrations.RunSQL.noop)]
