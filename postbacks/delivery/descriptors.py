"""How many files a process may have open: each connection takes one."""

import contextlib
import resource
from typing import Final

# macOS names no hard limit, and takes a soft one up to its OPEN_MAX only.
_OPEN_MAX: Final = 10_240


def raise_descriptor_limit() -> None:
    """Raises the limit as far as the system lets it; the usual 1,024, or macOS's 256, do not do."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (most, _OPEN_MAX):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
            return
