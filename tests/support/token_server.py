"""A token server: OAuth 2.0 client credentials on a real socket, which gives a numbered token to each who asks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs

from tests.support.receiver import Answer, Arrival, Response, ScriptedReceiver


class TokenServer:
    """Answers with `t0ken-number-1`, then 2, and so on, for `seconds`; `answer` in place of that, if it is set."""

    def __init__(self, seconds: Any = 3600) -> None:
        self.seconds = seconds
        self.answer: Callable[[Arrival], Answer] | None = None
        self.given = 0
        self.receiver = ScriptedReceiver(self._script)

    @property
    def url(self) -> str:
        return f"{self.receiver.url}/token"

    @property
    def asked(self) -> list[dict[str, str]]:
        """The forms that came."""
        return [{name: values[0] for name, values in parse_qs(each.body).items()} for each in self.receiver.arrivals]

    def _script(self, arrival: Arrival) -> Answer:
        if self.answer is not None:
            return self.answer(arrival)
        self.given += 1
        return token(f"t0ken-number-{self.given}", self.seconds)


def token(value: str, seconds: Any = 3600) -> Response:
    given = {"access_token": value, "token_type": "Bearer", "expires_in": seconds}
    return Response(200, json.dumps({name: each for name, each in given.items() if each is not None}))


@contextmanager
def token_server(seconds: Any = 3600) -> Iterator[TokenServer]:
    server = TokenServer(seconds)
    with server.receiver:
        yield server
