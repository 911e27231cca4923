"""Whether output has colours: on a terminal, unless the environment or an option says otherwise.

NO_COLOR (https://no-color.org) and FORCE_COLOR count if they are not empty; the options `--no-color` and
`--force-color` go before both, and NO_COLOR before FORCE_COLOR.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, TextIO

from django.core.management.color import color_style, no_style

OPTIONS = ("--no-color", "--force-color")


def heed_variables(argv: Sequence[str]) -> list[str]:
    """Return the command line with the option that the environment stands for, so that all commands heed it."""
    if len(argv) < 2 or argv[1].startswith("-") or argv[1] == "help" or any(option in argv for option in OPTIONS):
        return list(argv)
    if os.environ.get("NO_COLOR"):
        return [*argv[:2], "--no-color", *argv[2:]]
    if os.environ.get("FORCE_COLOR"):
        return [*argv[:2], "--force-color", *argv[2:]]
    return list(argv)


def remember_options(argv: Sequence[str]) -> None:
    """Have the environment say what the command line says: for messages, parsers, and programs that are started.

    It says so by 1: Celery refuses words that are neither yes nor no.
    """
    if "--no-color" in argv:
        os.environ["NO_COLOR"] = "1"
        os.environ.pop("FORCE_COLOR", None)
    elif "--force-color" in argv:
        os.environ["FORCE_COLOR"] = "1"
        os.environ.pop("NO_COLOR", None)


def coloured(stream: TextIO) -> bool:
    """Return whether output on `stream` has colours, as far as the environment says."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (stream.isatty() and os.environ.get("TERM") != "dumb")


def painter(stream: TextIO) -> Any:
    """Return Django's styles for output on `stream`; they leave text as it is if there are no colours."""
    return color_style(force_color=True) if coloured(stream) else no_style()
