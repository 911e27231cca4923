"""How the admin looks: the settings of its theme."""

from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.functional import lazy

_static = lazy(static, str)  # The location of static files is known only after the settings are read.

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Partner Postbacks",
    "SITE_HEADER": "Partner Postbacks",
    "SITE_SYMBOL": "send",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": _static("config/favicon.svg")},
    ],
    "STYLES": [_static("config/admin.css")],
    "SCRIPTS": [
        _static("config/time-zone.js"),
        _static("config/labels.js"),
        _static("config/search.js"),
        _static("config/menus.js"),
        _static("config/forms.js"),
        _static("config/focus.js"),
        _static("config/long-names.js"),
    ],
    "LOGIN": {"form": "accounts.sign_in.form.SignInForm"},
    "ACCOUNT": {
        "navigation": [
            {"title": "Time zone", "link": reverse_lazy("time_zone")},
            {"title": "Second factor", "link": reverse_lazy("second_factor_set_up")},
        ]
    },
    "DASHBOARD_CALLBACK": "postbacks.admin.dashboard.callback.dashboard",
    "SIDEBAR": {
        "show_search": False,
        "show_all_applications": False,
        "navigation": "config.navigation.navigation",
    },
}
