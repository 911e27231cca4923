"""The currency of a partner before it changed for the first time."""

import django.core.validators
from django.db import migrations, models

CREATE = """
CREATE TRIGGER keep_first_currency BEFORE UPDATE ON partners_partner
    FOR EACH ROW EXECUTE FUNCTION partners_keep_first_currency();
"""
DROP = "DROP TRIGGER keep_first_currency ON partners_partner"


class Migration(migrations.Migration):
    dependencies = [("partners", "0006_first_currency_of_programs")]

    operations = [
        migrations.AlterField(
            model_name="partner",
            name="currency",
            field=models.CharField(help_text="Of payouts. Another one holds for new actions.", max_length=3, validators=[django.core.validators.RegexValidator("^[A-Z]{3}\\Z", "A currency is three capital letters, such as USD.")]),
        ),
        migrations.AddField(
            model_name="partner", name="first_currency", field=models.CharField(editable=False, max_length=3, null=True)
        ),
        migrations.RunSQL(CREATE, DROP),
    ]
