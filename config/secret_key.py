"""The secret key of the embedded default: made once, kept in the data folder."""

import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def embedded_secret_key(folder: Path) -> str:
    """Return the key kept in `folder`, made on first use; several processes may ask at once.

    Raises `ImproperlyConfigured` where the folder cannot be written.
    """
    path = folder / "secret-key"
    try:
        if not path.exists():
            _make(path)
        return path.read_text()
    except OSError as error:
        raise ImproperlyConfigured(
            f"The secret key cannot be kept in {path}: {error}. Set POSTBACKS_DATA_DIR or SECRET_KEY."
        ) from error


def _make(path: Path) -> None:
    """Write the key whole beside its place, then link it there unless another process was first."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"secret-key.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(secrets.token_urlsafe(50))
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
