"""What browsers may load and run on our pages (Content-Security-Policy).

Only scripts in our own files run: no inline scripts, no attributes such as `onclick`, no other hosts.

The theme needs two exceptions. Alpine, which drives its menus, turns the text of its attributes into functions, so
admin pages allow `unsafe-eval`; such text can only come from a template, because values are escaped. And its pages have
styles in attributes and in one element, so styles may be inline everywhere.
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
        "img-src": [SELF, "data:"],  # Small icons in style sheets.
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
    """Middleware that sets `POLICY` on each response, and on admin pages what Alpine needs."""

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts: PolicyParts = super().get_policy_parts(request, response, report_only)
        if request.path_info.startswith(_ADMIN) and not report_only:
            parts.update = {**(parts.update or {}), "script-src": [UNSAFE_EVAL]}
        return parts
