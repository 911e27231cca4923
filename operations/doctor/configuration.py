"""Settings that are valid but wrong for this deployment."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.core.checks import WARNING, run_checks

from environment.program import command
from operations.doctor.finding import Finding, fine, warning, wrong

LOCAL = {"localhost", "127.0.0.1", "[::1]"}


def look_at_settings() -> Iterator[Finding]:
    found = [*_of_all(), *([] if settings.DATABASE_IS_EMBEDDED else _of_deployments())]
    yield from found or [fine("The settings are fine.")]


def _of_all() -> Iterator[Finding]:
    if settings.DEMO_RUNS:
        yield warning(
            f"A demo runs on the data in {settings.DATA_DIR}: it reports made-up conversions, and postbacks may be "
            "sent to this machine (127.0.0.0/8 and ::1/128).",
            f"Before you report real conversions, stop it with Ctrl-C, and start without it: {command('up')}",
        )
    if "*" in settings.ALLOWED_HOSTS:
        yield warning(
            "ALLOWED_HOSTS accepts any host name.", "List the host names of the web, such as postbacks.example."
        )


def _of_deployments() -> Iterator[Finding]:
    if settings.DEBUG:
        yield wrong(
            "DEBUG is on: error pages show settings and data, and memory grows.", "Unset DEBUG, and restart everything."
        )
    if settings.ALLOWED_HOSTS and LOCAL.issuperset(settings.ALLOWED_HOSTS):
        yield warning("The web answers only on this machine.", "Set ALLOWED_HOSTS to the host names that users visit.")
    if not settings.HTTPS_ONLY and not settings.DEBUG:
        yield warning(
            "The web uses plain HTTP.",
            "Put a proxy with TLS in front, and unset HTTPS_ONLY or set it to true.",
        )
    for message in run_checks(include_deployment_checks=True):
        if message.level >= WARNING and not message.is_silenced() and message.id not in SAID_ABOVE:
            yield warning(
                " ".join(f"{message.id}: {message.msg}".split()), message.hint or "See Django's documentation."
            )


# Covered above: HTTPS_ONLY controls HSTS, the redirect and both cookies; then DEBUG and ALLOWED_HOSTS.
SAID_ABOVE = {f"security.W{number:03}" for number in (4, 8, 12, 16, 18, 20)}
