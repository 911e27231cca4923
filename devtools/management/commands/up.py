from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from commands.base import Command as BaseCommand
from commands.exit_codes import ExitCode
from devtools.embedded import EmbeddedError, NotSetUpError
from devtools.up.start import run_up


class Command(BaseCommand):
    help = (
        "Run web, worker and beat in this terminal until Ctrl-C. Starts its own PostgreSQL and Redis unless "
        "DATABASE_URL and REDIS_URL are set, and migrates the database. Variables, with their defaults: PORT (8000), "
        "POSTBACKS_DATA_DIR (var/), WORKER_CONCURRENCY (number of cores)."
    )
    fails_if = "a program cannot be started: the port is taken, or `up` runs already"
    requires_system_checks: list[str] = []  # They may query a database that does not run yet.

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--demo",
            action="store_true",
            help="load a demo program, run a receiver, and report a conversion every few seconds",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            run_up(demo=options["demo"])
        except NotSetUpError as error:
            raise CommandError(str(error), returncode=ExitCode.NOT_SET_UP) from error
        except EmbeddedError as error:
            raise CommandError(str(error)) from error
