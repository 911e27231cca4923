"""A program that reports over HTTP, and what it sends and is answered."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import urlencode

from django.test import Client

from actions.api.tokens import create_token

FORM = "application/x-www-form-urlencoded"


class Caller:
    """A program that reports, with a token of its own."""

    def __init__(self) -> None:
        self.token, self.text = create_token("shop")
        self.client = Client()

    def __call__(
        self, method: str, path: str, data: Any = "", *, form: str = FORM, accept: str = "application/json", **more: str
    ) -> Any:
        basic = base64.b64encode(f"{self.token.account_sid}:{self.text}".encode()).decode()
        headers = {"Authorization": f"Basic {basic}", "Accept": accept, **more}
        return self.client.generic(
            method, f"/Advertisers/{self.token.account_sid}/{path}", data, content_type=form, headers=headers
        )

    def form(self, method: str, path: str, **fields: Any) -> Any:
        return self(method, path, urlencode(fields))

    def json(self, method: str, path: str, **fields: Any) -> Any:
        return self(method, path, json.dumps(fields), form="application/json")

    def submission(self, response: Any) -> dict[str, Any]:
        """What became of the request that was answered so."""
        assert response.status_code == 200, response.content
        content = response.json()
        assert content["Status"] == "QUEUED"
        found = self("GET", content["QueuedUri"].split("/", 3)[3])
        assert found.status_code == 200
        answer: dict[str, Any] = found.json()
        return answer


def lines(*fields: dict[str, Any]) -> str:
    return "".join(json.dumps(each) + "\n" for each in fields)


def results(response: Any) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.content
    return [json.loads(line) for line in response.getvalue().splitlines()]
