"""The logging setup for the settings and gunicorn. Reads the environment, not Django's settings."""

from __future__ import annotations

from typing import Any

from environment.addresses import is_embedded
from environment.reading import one_of
from environment.variables import env

FORMATS = {"json": "operations.logs.formats.JsonFormat", "line": "operations.logs.formats.LineFormat"}
ATTEMPTS = ("none", "failed", "all")


def log_format() -> str:
    """`json` or `line`. Without LOG_FORMAT, JSON if machines are likely to read it."""
    at_home = is_embedded("DATABASE_URL") or env.bool("DEBUG", default=False)
    return one_of("LOG_FORMAT", FORMATS, default="line" if at_home else "json")


def logged_attempts() -> str:
    """Which attempts are logged: none, failed or all."""
    return one_of("LOG_ATTEMPTS", ATTEMPTS, default="failed")


def logging_setup(level: str) -> dict[str, Any]:
    """For `logging.config.dictConfig`."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {
            "request_id": {"()": "operations.logs.request_ids.WithRequestId"},
            "repeats": {"()": "operations.logs.repeats.Repeats"},
        },
        "formatters": {"chosen": {"()": FORMATS[log_format()]}},
        "handlers": {
            "console": {"class": "logging.StreamHandler", "formatter": "chosen", "filters": ["repeats", "request_id"]},
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            # Django's own console handlers would print a second line.
            "django": {"handlers": [], "propagate": True},
            "django.server": {"handlers": [], "propagate": True},
            # One line per scheduled sweep is one a second.
            "celery.beat": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
        },
    }
