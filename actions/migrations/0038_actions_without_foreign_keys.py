"""Actions are written without a look at each one's set-up (`0033_new_actions_hold_the_set_up` and those after it)."""

import django.db.models.deletion
from django.db import migrations, models

# The tables are locked for a moment, in the order in which recordings lock them. A transaction in the way ends the
# migration, not the traffic behind it.
LOCK = """
SET LOCAL lock_timeout = '5s';
LOCK TABLE actions_action, partners_program, partners_actiontracker, partners_partner, partners_contractterm
IN ACCESS EXCLUSIVE MODE
"""


class Migration(migrations.Migration):
    dependencies = [("actions", "0037_terms_with_actions_stay")]

    operations = [
        migrations.RunSQL(LOCK, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="action",
            name="program",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="actions",
                to="partners.program",
            ),
        ),
        migrations.AlterField(
            model_name="action",
            name="action_tracker",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="actions",
                to="partners.actiontracker",
                verbose_name="event type",
            ),
        ),
        migrations.AlterField(
            model_name="action",
            name="partner",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="actions",
                to="partners.partner",
            ),
        ),
        migrations.AlterField(
            model_name="action",
            name="contract_term",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                db_index=False,
                help_text="The term that pays for it: of the contract that was active at the event date.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="actions",
                to="partners.contractterm",
            ),
        ),
    ]
