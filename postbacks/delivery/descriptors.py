"""How many files a process may have open: each connection takes one."""

import contextlib
import resource
from typing import Final

# macOS reports no hard limit, but refuses a soft limit above its OPEN_MAX.
_OPEN_MAX: Final = 10_240


def raise_descriptor_limit() -> None:
    """Raises the limit as far as the system allows; the usual 1,024, or 256 on macOS, are too few."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (most, _OPEN_MAX):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
            return
