"""The management commands of postbacks."""
