"""Programs that call the API, each with a token of its own."""

from __future__ import annotations

import base64
import json
from collections.abc import Collection
from typing import Any
from urllib.parse import urlencode

from django.test import Client

from actions.api.tokens import create_token
from partners.models import Program

JSON = "application/json"


class ApiCaller:
    """A program with a token: of these scopes, for these programs or all of them."""

    def __init__(self, *programs: Program, scopes: Collection[str] | None = None, own_account: bool = False) -> None:
        self.token, text = create_token(
            "caller", scopes=scopes, programs=[program.pk for program in programs] or None, own_account=own_account
        )
        self.sid = self.token.account_sid
        self._basic = base64.b64encode(f"{self.sid}:{text}".encode()).decode()
        self._client = Client()

    def __call__(self, method: str, path: str, body: Any = None, *, form: str = JSON, **headers: str) -> Any:
        """The answer to a request; a `body` other than text goes as JSON."""
        text = body if isinstance(body, str) else "" if body is None else json.dumps(body)
        sent = {"Authorization": f"Basic {self._basic}", "Accept": JSON, **headers}
        return self._client.generic(method, path, text, content_type=form, headers=sent)

    def account(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """The same below the account's address."""
        return self(method, f"/Advertisers/{self.sid}/{path}", body, **options)

    def get(self, path: str, **query: Any) -> Any:
        return self("GET", f"{path}?{urlencode(query)}" if query else path)
