"""gunicorn's own lines, in the same format as all others. `gunicorn.conf.py` names this class."""

from __future__ import annotations

from typing import Any

from django.utils.module_loading import import_string
from gunicorn.glogging import Logger

from operations.logs.redaction import HIDDEN, redact
from operations.logs.setup import FORMATS, log_format


class GunicornLogger(Logger):  # type: ignore[misc]
    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(import_string(FORMATS[log_format()])())

    def atoms(self, *given: Any) -> dict[str, Any]:
        """What a line of the access log can show, if there is one: no query, which holds reports and personal data."""
        shown: dict[str, Any] = super().atoms(*given)
        query = shown.get("q")
        request = str(shown["r"]).replace(f"?{query}", f"?{HIDDEN}") if query else shown["r"]
        return shown | {"q": HIDDEN if query else query, "r": request, "f": redact(str(shown["f"]))}
