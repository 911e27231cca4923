"""A number that changes with every change of the set-up, so that what was read of it may be kept until then."""

from django.db import migrations

TABLES = ("program", "actiontracker", "inappevent", "partner", "contract", "contractterm", "exchangerate")

# The numbers come from a sequence, which no rollback takes back: a number never stands for two states. The row makes
# a change visible to others with its commit, and not before.
CREATE = """
CREATE SEQUENCE partners_setup_version_seq;
CREATE TABLE partners_setup_version (single boolean PRIMARY KEY DEFAULT true CHECK (single), version bigint NOT NULL);
INSERT INTO partners_setup_version (version) VALUES (nextval('partners_setup_version_seq'));
CREATE FUNCTION partners_setup_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE partners_setup_version SET version = nextval('partners_setup_version_seq');
    RETURN NULL;
END $$;
"""
DROP = "DROP FUNCTION partners_setup_changed; DROP TABLE partners_setup_version; DROP SEQUENCE partners_setup_version_seq"


def _trigger(table: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"CREATE TRIGGER setup_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION partners_setup_changed()",
        f"DROP TRIGGER setup_changed ON {table}",
    )


class Migration(migrations.Migration):
    dependencies = [("partners", "0001_initial")]

    operations = [
        migrations.RunSQL(CREATE, DROP),
        *(_trigger(f"partners_{table}") for table in TABLES),
    ]
