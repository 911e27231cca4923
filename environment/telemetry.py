"""Whether traces and errors are sent to somebody who collects them, and whether that can be done.

Each function raises `ImproperlyConfigured` if something is asked for that this installation cannot do.
"""

from __future__ import annotations

from importlib.util import find_spec
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from environment.variables import env
from value_types.secret_text import SecretText

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_PROTOCOL = "http/protobuf"


def traces_wanted() -> bool:
    """Return whether traces are on: OpenTelemetry's own variables name a collector, and do not say otherwise."""
    endpoint = next((name for name in _ENDPOINTS if env.str(name, default="").strip()), None)
    exporter = env.str("OTEL_TRACES_EXPORTER", default="") or "otlp"
    if endpoint is None or exporter == "none" or env.str("OTEL_SDK_DISABLED", default="").strip().lower() == "true":
        return False
    if exporter != "otlp":
        raise ImproperlyConfigured(
            f"OTEL_TRACES_EXPORTER is {exporter!r}; only otlp is known here, and none for no traces. Unset it."
        )
    for name in _PROTOCOLS:
        if env.str(name, default="") not in ("", _PROTOCOL):
            raise ImproperlyConfigured(
                f"{name}: only {_PROTOCOL} is known here. Unset it, and name the collector's port for OTLP over http, "
                "usually 4318."
            )
    _require("opentelemetry.sdk", "opentelemetry.exporter", package="otel", because=endpoint)
    return True


def sentry_dsn() -> SecretText:
    """Return the address that errors are sent to (`SENTRY_DSN`), empty if they are not. It contains a key."""
    dsn = env.str("SENTRY_DSN", default="").strip()
    if not dsn:
        return SecretText("")
    try:
        parts = urlsplit(dsn)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname and parts.username)
        usable = usable and parts.path.rpartition("/")[2].isdigit()
    except ValueError:
        usable = False
    if not usable:
        raise ImproperlyConfigured(
            "SENTRY_DSN is not valid. Copy it from the project's settings in Sentry, under Client Keys; it looks like "
            "https://key@sentry.example/1."
        )
    _require("sentry_sdk", package="sentry", because="SENTRY_DSN")
    return SecretText(dsn)


def _require(*modules: str, package: str, because: str) -> None:
    for module in modules:
        try:
            found = find_spec(module) is not None
        except ModuleNotFoundError:  # Of the package around it.
            found = False
        if not found:
            raise ImproperlyConfigured(
                f"{because} is set, and the packages for it are not installed. Install them: pip install "
                f"'partner-postbacks[{package}]', or the packages of requirements-telemetry.txt in a checkout or an "
                f"image. Or unset {because}."
            )
