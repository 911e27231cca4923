"""What Django's error reports hide: the debug page (`DEBUG`), and e-mails to administrators."""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter

# By the name of a setting, a header or a form field. URLs of servers contain passwords.
_HIDDEN = re.compile(
    "API|AUTH|TOKEN|KEY|SECRET|PASS|SIGNATURE|COOKIE|PROXY|_URL|DATABASES|BROKER|CACHES|DSN|SESSION", re.IGNORECASE
)


class WithoutSecrets(SafeExceptionReporterFilter):
    """Hides secrets even with `DEBUG`: others may see a debug page too."""

    hidden_settings = _HIDDEN

    def is_active(self, request: HttpRequest | None) -> bool:  # noqa: ARG002 -- Django's interface
        return True

    def get_post_parameters(self, request: HttpRequest | None) -> dict[str, Any]:
        given = {} if request is None else request.POST
        return {name: self.cleanse_setting(name, value) for name, value in given.items()}
