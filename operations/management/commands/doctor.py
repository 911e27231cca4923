"""`manage.py doctor`: says what is wrong with this deployment, and what to do."""

from collections import Counter
from typing import Any

from django.core.management.base import CommandError

from commands.base import Command as BaseCommand
from operations.doctor.examination import examine
from operations.doctor.finding import Level


class Command(BaseCommand):
    help = (
        "Check this deployment: settings, this machine, Redis, the database, workers and beat, encryption keys, and "
        "stuck or held postbacks. Says what is wrong and what to do. Exits with 1 if there is an error."
    )
    json_keys = {
        "errors": "how many errors there are",
        "warnings": "how many warnings there are",
        "findings": "list of {level: ok|warning|error, what, fix}",
    }
    fails_if = "there is an error; warnings do not count"
    requires_system_checks: list[str] = []  # The command runs them itself.

    def handle(self, *_args: Any, **_options: Any) -> None:
        style = {Level.OK: self.style.SUCCESS, Level.WARNING: self.style.WARNING, Level.ERROR: self.style.ERROR}
        findings = []
        for finding in examine():
            findings.append(finding)
            if self.as_json:
                continue
            self.stdout.write(f"{style[finding.level](finding.level.value.ljust(7))}  {finding.what}")
            if finding.fix:
                self.stdout.write(f"         → {finding.fix}")
        counts = Counter(finding.level for finding in findings)
        errors, warnings = counts[Level.ERROR], counts[Level.WARNING]
        if self.as_json:
            told = [{"level": each.level.value, "what": each.what, "fix": each.fix} for each in findings]
            self.report({"errors": errors, "warnings": warnings, "findings": told}, "")
        if errors:
            raise CommandError(f"{_count(errors, 'error')}, {_count(warnings, 'warning')}.")
        if not self.as_json:
            self.stdout.write(f"No error, {_count(warnings, 'warning')}.")


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
