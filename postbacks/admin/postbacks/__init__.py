"""Postbacks: the list, the form, pausing, deleting, signing."""
