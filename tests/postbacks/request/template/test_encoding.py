"""How values are encoded for their places."""

from __future__ import annotations

from urllib.parse import quote

from postbacks.request.template import encoding
from postbacks.request.template.encoding import percent_encoded


def test_any_number_of_different_characters_is_percent_encoded_and_only_some_are_kept() -> None:
    every = "".join(map(chr, range(0x4E00, 0x4E00 + encoding._Encodings._MOST + 100)))
    for text in (every, every[::-1]):
        assert percent_encoded(text) == quote(text, safe="")
    assert len(encoding._ENCODINGS) <= encoding._Encodings._MOST
