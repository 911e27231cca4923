"""What is shown where a secret stands."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable
from typing import Final, NamedTuple
from urllib.parse import quote

from value_types.secret_text import MASK, SecretText

LEAST_SCRUBBED: Final = 8  # Characters. A shorter word could stand anywhere by chance.


class Scrubber(NamedTuple):
    """Takes secrets out of what a receiver answered: many echo the headers that they got. Longest word first."""

    words: tuple[str, ...]

    def scrub(self, text: str) -> str:
        for word in self.words:
            if word in text:
                text = text.replace(word, MASK)
        return text


def shown(value: str) -> str:
    """A header's value as people may see it."""
    return MASK if type(value) is SecretText else value


def scrubber(values: Iterable[str]) -> Scrubber:
    """For these values as a whole and each of their words (`Bearer` and the token), also as JSON, HTML and URLs write
    them."""
    words: set[str] = set()
    for value in values:
        for word in (str(value), *value.split()):
            if len(word) >= LEAST_SCRUBBED:
                as_json = json.dumps(word)[1:-1]
                words |= {word, as_json, as_json.replace("/", "\\/"), html.escape(word), quote(word, safe="")}
    return Scrubber(tuple(SecretText(word) for word in sorted(words, key=lambda word: (-len(word), word))))
