"""What is shown where a secret stands."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import quote

from postbacks.credentials.secrets.echoes import LEAST, echoes
from value_types.secret_text import MASK, SecretText


class Scrubber(NamedTuple):
    """Takes secrets out of what a receiver answered: many echo the headers that they got.

    `words` are secrets, `written` also as JSON, HTML and URLs write them; longest first.
    """

    words: tuple[str, ...]
    written: tuple[str, ...]

    def scrub(self, text: str) -> str:
        return self._scrubbed(text, headers=False)

    def scrub_headers(self, text: str) -> str:
        """One `Name: value` a line, over which a secret may be spread."""
        return self._scrubbed(text, headers=True)

    def _scrubbed(self, text: str, *, headers: bool) -> str:
        for word in self.written:
            if word in text:
                text = text.replace(word, MASK)
        pieces: list[str] = []
        end = 0
        for start, stop in echoes(text, self.words, headers=headers):
            pieces += (text[end:start], MASK)
            end = stop
        return "".join([*pieces, text[end:]]) if end else text


def shown(value: str) -> str:
    """A header's value as people may see it."""
    return MASK if type(value) is SecretText else value


def scrubber(values: Iterable[str]) -> Scrubber:
    """For these values as a whole and each of their words (`Bearer` and the token), unless they are so short that they
    could stand anywhere by chance."""
    words = {word for value in values for word in (str(value), *value.split()) if len(word) >= LEAST}
    written: set[str] = set()
    for word in words:
        as_json = json.dumps(word)[1:-1]
        written |= {word, as_json, as_json.replace("/", "\\/"), html.escape(word), quote(word, safe="")}
    return Scrubber(_secret(words), _secret(written))


def _secret(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(SecretText(word) for word in sorted(words, key=lambda word: (-len(word), word)))
