"""What browsers may load and run on our pages (Content-Security-Policy).

No script runs that is not one of our files: no inline scripts, no attributes such as `onclick`, no other hosts.

Two things the theme does not do without. Alpine, which moves its menus, makes functions of the texts in its attributes,
so pages of the admin allow `unsafe-eval`; such a text only gets there through a template, for values are escaped. And
its pages have styles in attributes and in one element, so styles may be inline everywhere.
"""

from __future__ import annotations

from typing import Any

from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.middleware import CSPMiddleware, PolicyParts
from django.http import HttpRequest
from django.http.response import HttpResponseBase

POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF, UNSAFE_INLINE],
        "img-src": [SELF, "data:"],  # Small signs within style sheets.
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
_ADMIN = "/admin/"


class ContentPolicy(CSPMiddleware):
    """Middleware: `POLICY` on each answer, on the admin's pages with what Alpine needs."""

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts: PolicyParts = super().get_policy_parts(request, response, report_only)
        if request.path_info.startswith(_ADMIN) and not report_only:
            parts.update = {**(parts.update or {}), "script-src": [UNSAFE_EVAL]}
        return parts
