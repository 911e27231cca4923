"""The whole configuration in the database: it is small compared with actions and deliveries."""

from collections.abc import Iterable
from itertools import chain

from django.db import connection
from django.db.models import Model

from optimize_sources.models import MediaSource
from partners.models import (
    ActionTracker,
    CategoryPayout,
    Contract,
    ContractTerm,
    ExchangeRate,
    InAppEvent,
    Partner,
    Program,
)
from postbacks.config_file.identity import Identity, row_identity
from postbacks.models import Postback


def stock() -> dict[Identity, Model]:
    """Every row that a configuration file can name, by its identity: no deleted postbacks, no published rates."""
    rows: Iterable[Model] = chain(
        ExchangeRate.objects.filter(source=ExchangeRate.Source.HAND),
        Program.objects.all(),
        ActionTracker.objects.select_related("program"),
        InAppEvent.objects.select_related("action_tracker"),
        Partner.objects.all(),
        Contract.objects.select_related("partner", "program"),
        ContractTerm.objects.select_related("contract__partner", "contract__program", "action_tracker"),
        CategoryPayout.objects.select_related("contract_term__contract__partner", "contract_term__contract__program"),
        MediaSource.objects.all(),
        Postback.objects.existing().select_related("partner", "media_source", "action_tracker", "in_app_event"),
    )
    return {row_identity(row): row for row in rows}


def advance_ids() -> None:
    """Moves the database's id counters past the highest id that a file gave, so that a row added by hand does not
    collide. Never moves back: another transaction may have taken an id that is not visible yet."""
    with connection.cursor() as cursor:
        for model in (Program, ActionTracker, Partner, MediaSource):
            table = connection.ops.quote_name(model._meta.db_table)  # noqa: SLF001 -- Django's documented interface
            cursor.execute(
                f"SELECT setval(counter, highest) FROM (SELECT pg_get_serial_sequence(%s, 'id')::regclass AS counter,"  # noqa: S608 -- a table of ours
                f" max(id) AS highest FROM {table}) found"
                " WHERE highest > coalesce(pg_sequence_last_value(counter), 0)",
                [table],
            )
