"""Django's `check`, with `--json`."""

from typing import Any

from django.core import checks
from django.core.management.base import CommandError
from django.core.management.commands.check import Command as DjangoCheck

from commands.base import Command as BaseCommand

_LEVELS = {getattr(checks, name): name for name in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")}


class Command(BaseCommand, DjangoCheck):
    help = "Check the settings and the models for mistakes. `doctor` checks the running deployment."
    json_keys = {"issues": "list of {level, id, message, hint, object}"}
    fails_if = "there is an error, or an issue of --fail-level or above"

    requires_system_checks: list[str] = []  # They are what this command runs.

    def check(self, *args: Any, **options: Any) -> None:
        if not self.as_json:
            super().check(*args, **options)
            return
        kept = ("app_configs", "tags", "include_deployment_checks", "databases")
        issues = checks.run_checks(**{name: options[name] for name in kept if name in options})
        shown = [issue for issue in issues if not issue.is_silenced()]
        self.report({"issues": list(map(_told, shown))}, "")
        fatal = [issue for issue in shown if issue.level >= options["fail_level"]]
        if fatal:
            raise CommandError(f"{len(fatal)} of the issues are of level {options['fail_level']} or above.")


def _told(issue: checks.CheckMessage) -> dict[str, Any]:
    about = str(issue.obj) if issue.obj is not None else None
    level = _LEVELS.get(issue.level, str(issue.level))
    return {"level": level, "id": issue.id, "message": issue.msg, "hint": issue.hint, "object": about}
