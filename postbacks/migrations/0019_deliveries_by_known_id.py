"""Finds a delivery by the id that its receiver knows."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models.expressions import CombinedExpression


class Migration(migrations.Migration):
    atomic = False  # Concurrently: nobody waits meanwhile.

    dependencies = [("postbacks", "0018_judged_insertions")]

    operations = [
        AddIndexConcurrently(
            model_name="delivery",
            index=models.Index(
                CombinedExpression(
                    models.Func(
                        models.Func("known_by", function="uuid_send"),
                        models.Value(0),
                        function="get_byte",
                        output_field=models.IntegerField(),
                    ),
                    ">>",
                    models.Value(3),
                ),
                models.F("id"),
                models.F("known_by"),
                condition=models.Q(known_by__isnull=False, attempts_made__gt=0),
                name="delivery_known_by",
            ),
        ),
    ]
