"""Text that must not be shown, and the mask that is shown instead."""

from __future__ import annotations

from typing import Final

MASK: Final = "••••••••"


class SecretText(str):
    """Text that must not be shown: it is sent as it is, but `repr`, as in logs and tracebacks, shows the mask."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"'{MASK}'"
