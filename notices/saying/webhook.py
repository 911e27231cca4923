"""Any webhook: JSON, signed by Standard Webhooks as postbacks are. Pure but for the settings."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from notices.saying.content import Content, link
from postbacks.credentials.signing.signer import Signer, SigningKey
from value_types.secret_text import SecretText


def to_webhook(content: Content, made_at: datetime) -> bytes:
    """The body to post; the same each time it is tried."""
    data: dict[str, Any] = {
        "title": content["title"],
        "lines": content["lines"],
        "url": link(content["path"]) or None,
        "counts": content["counts"],
        "notices": [
            {**{name: value for name, value in entry.items() if name != "path"}, "url": link(entry["path"]) or None}
            for entry in content["entries"]
        ],
    }
    whole = {"type": f"postbacks.{content['kind']}", "timestamp": made_at.isoformat(), "data": data}
    return json.dumps(whole, ensure_ascii=False).encode()


def headers(body: bytes, message_id: str, key: SecretText | None, at: datetime) -> dict[str, str]:
    signature = Signer([SigningKey(key)]).sign(message_id, body, at.timestamp()) if key else {}
    return {"Content-Type": "application/json", **signature}
