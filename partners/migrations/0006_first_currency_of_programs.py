"""The currency of a program before it changed for the first time, kept by the database: any program may change it.

Once written it stays: a row that was read before is saved without it. Each of these migrations changes one table: a
transaction that locked two could wait for a report that waits for it.
"""

import django.core.validators
from django.db import migrations, models

CREATE = """
CREATE FUNCTION partners_keep_first_currency() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.first_currency := coalesce(
        OLD.first_currency, NEW.first_currency, CASE WHEN OLD.currency <> NEW.currency THEN OLD.currency END
    );
    RETURN NEW;
END $$;
CREATE TRIGGER keep_first_currency BEFORE UPDATE ON partners_program
    FOR EACH ROW EXECUTE FUNCTION partners_keep_first_currency();
"""
DROP = """
DROP TRIGGER keep_first_currency ON partners_program;
DROP FUNCTION partners_keep_first_currency;
"""


class Migration(migrations.Migration):
    dependencies = [("partners", "0005_net_lines")]

    operations = [
        migrations.AlterField(
            model_name="program",
            name="currency",
            field=models.CharField(help_text="Of amounts. Another one holds for new actions.", max_length=3, validators=[django.core.validators.RegexValidator("^[A-Z]{3}\\Z", "A currency is three capital letters, such as USD.")]),
        ),
        migrations.AddField(
            model_name="program", name="first_currency", field=models.CharField(editable=False, max_length=3, null=True)
        ),
        migrations.RunSQL(CREATE, DROP),
    ]
