"""What Django's error report hides: the page of a developer (`DEBUG`), and e-mails to administrators."""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter

# By what a setting, a header or a field of a form is called. URLs of servers hold passwords.
_HIDDEN = re.compile(
    "API|AUTH|TOKEN|KEY|SECRET|PASS|SIGNATURE|COOKIE|PROXY|_URL|DATABASES|BROKER|CACHES|DSN|SESSION", re.IGNORECASE
)


class WithoutSecrets(SafeExceptionReporterFilter):
    """Hides with `DEBUG` as well: a developer's page is looked at by others, too."""

    hidden_settings = _HIDDEN

    def is_active(self, request: HttpRequest | None) -> bool:  # noqa: ARG002 -- Django's interface
        return True

    def get_post_parameters(self, request: HttpRequest | None) -> dict[str, Any]:
        given = {} if request is None else request.POST
        return {name: self.cleanse_setting(name, value) for name, value in given.items()}
