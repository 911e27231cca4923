"""Programs of partners that call the partner API, each with the token of a link."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from django.test import Client

from optimize_sources.models import MediaSource
from partners.models import Partner
from portal.tokens import make_token
from tests.support.proposals import link_of

ROOT = "/api/v1/partner"
JSON = "application/json"


class PartnerCaller:
    """A program with the token of a new link of this owner, with these rights."""

    def __init__(self, owner: Partner | MediaSource, *rights: str, **fields: Any) -> None:
        self.link = link_of(owner, *rights, **fields)
        self.token = make_token(self.link)
        self._client = Client()

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The answer of an address below that of the API; a `body` goes as JSON."""
        text = "" if body is None else json.dumps(body)
        sent = {"Authorization": f"Bearer {self.token}", **headers}
        return self._client.generic(method, f"{ROOT}/{path}", text, content_type=JSON, headers=sent)

    def get(self, path: str, **query: Any) -> Any:
        return self("GET", f"{path}?{urlencode(query)}" if query else path)
