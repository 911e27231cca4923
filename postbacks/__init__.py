"""Postbacks: what operators set up, what fires, and how it is sent."""

from typing import Final

__version__: Final = "0.1.0"
"""The product's version, also in `User-Agent`; `pyproject.toml` has the same, a test compares them."""
