"""Postbacks: what operators set up, what fires, and how it is sent."""

__version__ = "1.0.0"
"""The product's version: of the package, which is built with it, and in `User-Agent`."""
