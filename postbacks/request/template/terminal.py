"""Template text as a terminal shows it: how wide it is, and made harmless.

A template is pasted from anywhere. What does not print (controls that would move the cursor or colour the screen, marks
that turn the direction of writing, spaces that only look like one) is shown as U+FFFD, so that it is seen and takes
one cell.
"""

import unicodedata

_JAMO = range(0x1160, 0x1200)  # Vowels and finals of Korean syllables: drawn into the cell of the consonant before.


def shown(text: str) -> str:
    """The text with every character that does not print replaced; tabs stay. As many characters as before."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each == "\t" else "\ufffd" for each in text)


def blank(text: str) -> str:
    """White space that is as wide as the shown text, also for wide and combining characters; tabs stay tabs."""
    return "".join("\t" if each == "\t" else " " * _cells(each) for each in text)


def quoted(text: str) -> str:
    """The text as messages quote it: short, and a lone character that does not print by its number."""
    if len(text) == 1 and not text.isprintable():
        return f"the character U+{ord(text):04X}"
    return f"“{shown(text[:30])}…”" if len(text) > 31 else f"“{shown(text)}”"


def _cells(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me") or ord(character) in _JAMO:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
