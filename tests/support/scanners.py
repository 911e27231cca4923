"""A program that reads random templates with any Python, and needs no package but `idna`.

`python -m tests.support.scanners` prints what the two scanners of a template, `tokens` for expressions and `places` for
the text around them, read otherwise than it was written, and ends with 1 if there is anything.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator

from postbacks.request.template import Place, TemplateError, compile_template
from postbacks.request.template.places import RULES, ScanState
from postbacks.request.template.tokens import Cursor, Span, TokenKind

ROUNDS = 2_000
SEED = 18
SHOWN = 5
# What opens, closes and escapes, where two in a row mean something else than one; and some text around them.
PIECES = ("\\", '"', "'", "\\\\", "\n", "u0041", "{", "}", "(", ",", "a", "bc", " ", "é")


def texts() -> Iterator[str]:
    chance = random.Random(SEED)  # noqa: S311 -- no secret
    for _ in range(ROUNDS):
        yield "".join(chance.choices(PIECES, k=chance.randint(0, 8)))


def quoted(text: str, quote: str) -> str:
    """The text as a string of an expression."""
    return quote + text.replace("\\", "\\\\").replace(quote, "\\" + quote) + quote


def in_json(source: str) -> str:
    """The source as it stands inside a JSON string; line breaks may stay."""
    return source.replace("\\", "\\\\").replace('"', '\\"')


def problems(text: str) -> Iterator[str]:
    """What is read otherwise than it was written."""
    double, single = quoted(text, '"'), quoted(text, "'")
    for source in (double, single, in_json(double)):
        cursor = Cursor(Span.whole(source + ")"), 0)
        token = cursor.take()
        if (token.kind, token.text) != (TokenKind.STRING, text) or not cursor.take().is_mark(")"):
            yield f"tokens: {source} is a {token.kind.value} {token.text!r}"
    written = json.dumps(text)
    state = RULES[Place.JSON].advance(ScanState.TEXT, f"{written},")
    if state is not ScanState.TEXT:
        yield f"places: {written} is not closed"
    for name, source in (("double", double), ("single", single), ("in JSON", in_json(double))):
        template = f'{{"a":{written.replace("{", "{ ")},"k":"{{lower({source})}}","e":{{upper(\'x\')}}}}'
        try:
            read = json.loads(compile_template(template, Place.JSON).render({}))
        except (TemplateError, ValueError) as problem:
            yield f"both, {name}: {template}: {str(problem).splitlines()[0]}"
            continue
        if (read["k"], read["e"]) != (text.lower(), "X"):
            yield f"both, {name}: {template} gives {read}"


def main() -> int:
    found = [problem for text in texts() for problem in problems(text)]
    print(f"{sys.version.split()[0]}: {len(found)} problems in {ROUNDS} texts", *found[:SHOWN], sep="\n")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
