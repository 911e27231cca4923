"""The whole examination, in order of dependency."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg2
from django.db import Error

from operations.asking import Asker
from operations.doctor.broker import look_at_broker
from operations.doctor.certificates import look_at_certificates
from operations.doctor.channels import look_at_channels
from operations.doctor.configuration import look_at_settings
from operations.doctor.database import SECONDS, look_at_database, look_at_tables, look_for_a_pooler, unreachable
from operations.doctor.exchange_rates import look_at_exchange_rates
from operations.doctor.finding import Finding, Level, wrong
from operations.doctor.keys import look_at_keys
from operations.doctor.lanes import look_at_lanes
from operations.doctor.locks import look_at_locks
from operations.doctor.machine import look_at_machine
from operations.doctor.partitions import look_at_partitions
from operations.doctor.redis_server import look_at_redis
from operations.doctor.replica import look_at_replica
from operations.doctor.restored import look_for_a_restore
from operations.doctor.workers import look_at_workers


def examine() -> Iterator[Finding]:
    yield from look_at_settings()
    yield from look_at_machine()
    yield from look_at_redis()
    yield from look_at_broker()
    try:
        yield from _with_database()
    except psycopg2.OperationalError as error:
        yield unreachable(error)
    except (psycopg2.Error, Error) as error:
        yield wrong(f"The database refuses a query: {' '.join(str(error).split())}", "See its log.")


def _with_database() -> Iterator[Finding]:
    with Asker(SECONDS) as asker:
        yield from look_at_database(asker)
        tables = look_at_tables(asker)
        yield tables
    yield look_for_a_pooler()
    yield from look_at_replica()
    if tables.level is not Level.OK:
        return  # The rest queries tables.
    with Asker(SECONDS) as asker:
        yield from look_for_a_restore(asker)
        yield from look_at_workers(asker)
        yield from look_at_lanes(asker)
        yield from look_at_locks(asker)
        yield look_at_partitions(asker)
        yield from look_at_channels(asker)
        yield from look_at_exchange_rates(asker)
    yield from look_at_keys()
    yield from look_at_certificates()
