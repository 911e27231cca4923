"""Holds destinations that are down: a pure rule (`health`) and its rows (`store`)."""
