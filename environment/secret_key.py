"""The keys of the embedded default: each is made once and kept in a file in the data folder."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

# Those of Django's deployment check security.W009.
_LEAST_CHARACTERS = 50
_LEAST_DIFFERENT = 5


def embedded_secret_key(folder: Path) -> str:
    """Return the SECRET_KEY kept in `folder`, made on first use; several processes may ask at once.

    Raises `ImproperlyConfigured` if the folder cannot be written.
    """
    return _kept(folder / "secret-key", "SECRET_KEY", lambda: secrets.token_urlsafe(50))


def embedded_encryption_key(folder: Path) -> str:
    """Return the key that encrypts secrets in the database, kept in the same way."""
    return _kept(folder / "encryption-key", "POSTBACKS_ENCRYPTION_KEYS", lambda: Fernet.generate_key().decode())


def _kept(path: Path, variable: str, make: Callable[[], str]) -> str:
    try:
        if not path.exists():
            _write(path, make())
        return path.read_text()
    except OSError as error:
        raise ImproperlyConfigured(
            f"The {path.name.replace('-', ' ')} cannot be kept in {path}: {error}. "
            f"Set POSTBACKS_DATA_DIR or {variable}."
        ) from error


def _write(path: Path, key: str) -> None:
    """Write the whole key next to its place, then link it there unless another process was first."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(key)
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def is_guessable(key: str) -> bool:
    """Return whether a secret key is shorter, or has fewer different characters, than Django finds safe."""
    return len(key) < _LEAST_CHARACTERS or len(set(key)) < _LEAST_DIFFERENT
