"""Errors for Sentry, or whatever speaks its protocol: where in the code, and of what kind; nothing of what it is about.

All that fails is logged, so an error is what is logged as one, or ends a thread. Of it only what the code itself says
goes out: an exception's type and its way through the code, and the text of the log line before values are put into it.
Messages of exceptions stay here, since they quote what they complain of. The line in the log has all of it; the id of
the request is in both.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings

from operations.logs.redaction import redact
from postbacks import __version__

if TYPE_CHECKING:
    from sentry_sdk.transport import Transport

STOP_SECONDS: Final = 2.0  # For what was not sent yet.

_KEPT: Final = ("event_id", "timestamp", "platform", "level", "logger", "environment", "release", "server_name", "sdk")
# The rooms of the project, which name its loggers.
_OURS: Final = frozenset(
    {
        *("accounts", "actions", "config", "devtools", "environment", "front", "notices", "operations"),
        *("optimize_sources", "partners", "portal", "postbacks", "tracing"),
    }
)
_OF_A_FRAME: Final = (
    *("filename", "module", "function", "lineno", "in_app"),
    *("pre_context", "context_line", "post_context"),  # Lines of code.
)


def start(program: str, transport: type[Transport] | None = None) -> None:
    """Send what is logged as an error from now on, if SENTRY_DSN is set. `program` is `web`, `worker` or `beat`."""
    if not settings.SENTRY_DSN:
        return
    # Nothing of it is imported where errors are not sent.
    import sentry_sdk  # noqa: PLC0415
    from sentry_sdk.integrations.excepthook import ExcepthookIntegration  # noqa: PLC0415
    from sentry_sdk.integrations.logging import LoggingIntegration  # noqa: PLC0415
    from sentry_sdk.integrations.threading import ThreadingIntegration  # noqa: PLC0415

    sentry_sdk.init(
        dsn=str(settings.SENTRY_DSN),
        environment=settings.SENTRY_ENVIRONMENT,
        release=__version__,
        before_send=lambda event, hint: only_of_the_code(event, hint, program),  # type: ignore[arg-type,return-value]
        transport=transport,
        # Those for Django, Celery and clients collect requests, arguments and statements.
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[
            LoggingIntegration(level=None, event_level=logging.ERROR),
            ExcepthookIntegration(),
            ThreadingIntegration(propagate_scope=False),
        ],
        include_local_variables=False,
        max_breadcrumbs=0,
        auto_session_tracking=False,
        send_client_reports=False,
    )


def stop() -> None:
    """Send what was not sent yet, for a moment at most."""
    if settings.SENTRY_DSN:
        import sentry_sdk  # noqa: PLC0415 -- as above

        sentry_sdk.flush(STOP_SECONDS)


def only_of_the_code(event: Mapping[str, Any], hint: Mapping[str, Any], program: str) -> dict[str, Any]:
    """The event with what the code says: named parts are kept, and whatever else there may be is left out. Pure."""
    kept = {name: event[name] for name in _KEPT if name in event}
    kept["tags"] = {"program": program}
    exceptions = (event.get("exception") or {}).get("values") or ()
    if exceptions:
        kept["exception"] = {"values": [_exception(each) for each in exceptions]}
    record = hint.get("log_record")
    if record is not None:
        kept["logentry"] = {"message": _text(record)}
        if request_id := getattr(record, "request_id", ""):
            kept["tags"]["request_id"] = request_id
        route = getattr(getattr(getattr(record, "request", None), "resolver_match", None), "route", None)
        if route:
            kept["transaction"] = route
    return kept


def _exception(value: Mapping[str, Any]) -> dict[str, Any]:
    frames = (value.get("stacktrace") or {}).get("frames") or ()
    return {
        "type": value.get("type"),
        "module": value.get("module"),
        "mechanism": {"type": "generic", "handled": True},
        "stacktrace": {"frames": [{name: each.get(name) for name in _OF_A_FRAME} for each in frames]},
    }


def _text(record: logging.LogRecord) -> str:
    """What is logged, before values are put in. One without values may be composed already, if it is not ours."""
    ours = record.name.partition(".")[0] in _OURS
    return redact(str(record.msg)) if ours or record.args else f"(a message of {record.name})"
