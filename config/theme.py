"""How the admin looks: the settings of its theme."""

from typing import Any

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Partner Postbacks",
    "SITE_HEADER": "Partner Postbacks",
}
