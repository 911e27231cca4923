"""The management commands of operations."""
