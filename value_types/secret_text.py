"""Texts that must not be shown, and what is shown instead."""

from __future__ import annotations

from typing import Final

MASK: Final = "••••••••"


class SecretText(str):
    """A text that must not be shown: it goes out as it is, but wherever a program prints it for people, its mask."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"'{MASK}'"
