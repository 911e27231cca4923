"""gunicorn's own lines, in the same format as all others. `gunicorn.conf.py` names this class."""

from __future__ import annotations

from typing import Any

from django.utils.module_loading import import_string
from gunicorn.glogging import Logger

from operations.logs.setup import FORMATS, log_format


class GunicornLogger(Logger):  # type: ignore[misc]
    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(import_string(FORMATS[log_format()])())
