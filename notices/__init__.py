"""Telling operators: of what, where, when and how it is written."""
