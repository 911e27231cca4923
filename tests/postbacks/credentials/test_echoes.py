"""A secret that comes back is found in whatever spelling, and nothing else is taken for one."""

from __future__ import annotations

import base64
import codecs
import html
import json
import random
import time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postbacks.credentials.secrets.mask import scrubber
from postbacks.delivery.judging import judge, masked
from postbacks.delivery.outcomes import Delivered
from postbacks.egress.answer import Answer
from postbacks.egress.failures import Code, Failure
from postbacks.request.building import Request
from tests.support.delivery_rows import claimed, prepared, sent
from value_types.secret_text import MASK

TOKEN = "Sk-live/9fA+3x~Q7_zW"
SCRUBBER = scrubber([f"Bearer {TOKEN}"])
CODES = TOKEN.encode()
SPELLINGS = {
    "as it is": TOKEN,
    "capitals": TOKEN.upper(),
    "small": TOKEN.lower(),
    "percent": quote(TOKEN, safe=""),
    "percent, small": "".join(f"%{code:02x}" for code in CODES),
    "percent, twice": quote("".join(f"%{code:02X}" for code in CODES), safe=""),
    "percent u": "".join(f"%u{code:04x}" for code in CODES),
    "json, each character": "".join(f"\\u{code:04x}" for code in CODES),
    "json, slashes": json.dumps(TOKEN).replace("/", "\\/"),
    "json inside json": json.dumps(json.dumps("".join(f"\\u{code:04X}" for code in CODES))),
    "json, characters in a list": json.dumps(list(TOKEN)),
    "json, codes in a list": json.dumps(list(CODES)),
    "html": html.escape(TOKEN),
    "html, decimal": "".join(f"&#{code};" for code in CODES),
    "html, hexadecimal": "".join(f"&#x{code:x};" for code in CODES),
    "html inside a url": quote("".join(f"&#{code};" for code in CODES), safe=""),
    "mail": "".join(f"={code:02X}" for code in CODES),
    "script": "".join(f"\\x{code:02x}" for code in CODES),
    "octal": "".join(f"\\{code:03o}" for code in CODES),
    "hexadecimal": CODES.hex(),
    "hexadecimal, capitals": CODES.hex().upper(),
    "hexadecimal, parted": CODES.hex(":"),
    "base64": base64.b64encode(CODES).decode(),
    "base64 of a line": base64.b64encode(f"Authorization: Bearer {TOKEN}\r\n".encode()).decode(),
    "base64 further on": base64.b64encode(f"got {TOKEN} there".encode()).decode(),
    "base64 for urls": base64.urlsafe_b64encode(b"!" + CODES).decode().rstrip("="),
    "base64 in lines": base64.encodebytes(CODES * 5).decode(),
    "base64 inside json": json.dumps(base64.encodebytes(CODES * 5).decode()),
    "base32": base64.b32encode(CODES).decode(),
    "base32 further on": base64.b32encode(b"got " + CODES).decode(),
    "backwards": TOKEN[::-1],
    "rotated": codecs.encode(TOKEN, "rot13"),
    "one character a line": "\n".join(TOKEN),
    "its first half": TOKEN[:10],
    "its second half": TOKEN[-12:],
    "with dashes": "-".join(TOKEN),
}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("around", ["{}", '{{"headers": {{"Authorization": "{}"}}, "ok": true}}', "<p>{}</p>", "x{}"])
def test_no_eight_characters_of_a_secret_come_back(spelling: str, around: str) -> None:
    text = around.format(spelling)
    left = SCRUBBER.scrub(text)
    assert MASK in left
    kept = left.replace(MASK, "")
    assert len(kept) <= len(text) - min(len(spelling), len(TOKEN)) * 0.6
    assert TOKEN[:8] not in kept


@pytest.mark.parametrize(
    "headers",
    [
        f"X-Echo: {TOKEN}",
        f"X-A: {TOKEN[:6]}\nX-B: {TOKEN[6:12]}\nX-C: {TOKEN[12:]}",
        "\n".join(f"X-{place}: {character}" for place, character in enumerate(TOKEN)),
        "\n".join(f"X-{place}: %{ord(character):02x}" for place, character in enumerate(TOKEN)),
    ],
    ids=["one", "three", "each character", "each encoded"],
)
def test_a_secret_spread_over_headers_is_found(headers: str) -> None:
    left = SCRUBBER.scrub_headers(f"Date: today\n{headers}\nServer: x")
    assert MASK in left
    assert left.startswith("Date: today\n")
    assert left.endswith("\nServer: x")
    assert TOKEN[:6] not in left
    assert TOKEN[6:12] not in left


@pytest.mark.parametrize(
    "text",
    [
        "OK",
        "",
        '{"status": "accepted", "bearer": "of good news", "id": "9f3c41b2-77aa-4c0e-9d1b-0a1b2c3d4e5f"}',
        "Bearer token required",
        "%41%42%43=ab&amp;\\u0041",
        "Sk-live",
    ],
)
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert SCRUBBER.scrub(text) == text
    assert SCRUBBER.scrub_headers(text) == text


@given(st.text(), st.integers(0, len(TOKEN) - 8), st.integers(8, len(TOKEN)), st.text())
def test_any_part_of_eight_letters_and_digits_is_found_in_any_text(
    before: str, at: int, length: int, after: str
) -> None:
    part = TOKEN[at : at + length]
    if sum(character.isalnum() for character in part) >= 8:
        assert MASK in SCRUBBER.scrub(before + part + after)


def test_the_longest_answer_is_looked_through_in_time() -> None:
    letters = random.Random(1)  # noqa: S311 -- no secret
    pieces = [TOKEN[at : at + 4] for at in range(len(TOKEN) - 4)]
    texts = [
        "".join(letters.choices("0123456789abcdef", k=64 * 1024)),
        "".join(letters.choices(pieces, k=16 * 1024)),
        "%25" * 21_000,
        "a" * 64 * 1024,
        TOKEN * 3_000,
    ]
    long = scrubber(["".join(letters.choices("abcdefgh", k=4096)), "a" * 4096])
    for text in texts:
        for each in (SCRUBBER, long):
            began = time.process_time()
            each.scrub(text)
            each.scrub_headers(text)
            assert time.process_time() - began < 3  # A few hundredths on an idle machine.


@pytest.mark.parametrize("echo", [TOKEN, CODES.hex(), quote(TOKEN, safe=""), base64.b64encode(CODES).decode()])
@pytest.mark.parametrize("rule", ["{}", "/{}/", "json: contains(echo, '{}')"])
def test_a_rule_tells_nothing_about_a_secret(echo: str, rule: str) -> None:
    """Whether it names what the secret begins with or not, the verdict is the same."""
    verdicts = set()
    for guess in (echo[:4], "wXyZ"):
        one = prepared(claimed(), success=rule.format(guess.replace("/", "\\/") if rule[0] == "/" else guess))
        request = Request("GET", "https://r.example/echo", {}, None, SCRUBBER)
        answered = sent(one._replace(request=request), Answer(200, json.dumps({"echo": echo}).encode()))
        verdicts.add(type(judge(masked(answered))))
        assert echo[:8] not in str(masked(answered).answer)
    assert Delivered not in verdicts


def test_what_cannot_be_read_and_what_fails_quote_no_secret() -> None:
    request = Request("GET", "https://r.example/echo", {}, None, SCRUBBER)
    one = prepared(claimed(), success="OK")._replace(request=request)
    unread = Answer(200, b"", f"Content-Encoding: {TOKEN}", f"The answer's body is encoded as {TOKEN}.")
    assert TOKEN not in str(judge(masked(sent(one, unread))))
    assert TOKEN not in str(judge(masked(sent(one, Failure(Code.OTHER, f"It said {TOKEN}.")))))
