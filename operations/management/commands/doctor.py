"""`manage.py doctor`: says what is wrong with this deployment, and what to do."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from operations.doctor.examination import examine
from operations.doctor.finding import Level


class Command(BaseCommand):
    help = (
        "Check this deployment: settings, this machine, Redis, the database, workers and beat, encryption keys, and "
        "stuck or held postbacks. Says what is wrong and what to do. Exits with 1 if there is an error."
    )
    requires_system_checks: list[str] = []  # The command runs them itself.

    def handle(self, *_args: Any, **_options: Any) -> None:
        style = {Level.OK: self.style.SUCCESS, Level.WARNING: self.style.WARNING, Level.ERROR: self.style.ERROR}
        counts = dict.fromkeys(Level, 0)
        for finding in examine():
            counts[finding.level] += 1
            self.stdout.write(f"{style[finding.level](finding.level.value.ljust(7))}  {finding.what}")
            if finding.fix:
                self.stdout.write(f"         → {finding.fix}")
        if counts[Level.ERROR]:
            raise CommandError(f"{_count(counts[Level.ERROR], 'error')}, {_count(counts[Level.WARNING], 'warning')}.")
        self.stdout.write(f"No error, {_count(counts[Level.WARNING], 'warning')}.")


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
