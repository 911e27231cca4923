from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from devtools.embedded import EmbeddedError
from devtools.up.start import run_up


class Command(BaseCommand):
    help = (
        "Run web, worker and beat in this terminal until Ctrl-C. Starts PostgreSQL and Redis of its own unless "
        "DATABASE_URL and REDIS_URL are set, and brings the database up to date. PORT (8000), POSTBACKS_DATA_DIR "
        "(var/) and WORKER_CONCURRENCY (number of cores) set what they say."
    )
    requires_system_checks: list[str] = []  # They may ask a database that does not run yet.

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--demo",
            action="store_true",
            help="load a demo program, run a receiver, and report a conversion every few seconds",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            run_up(demo=options["demo"])
        except EmbeddedError as error:
            raise CommandError(str(error)) from error
