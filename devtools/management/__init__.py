"""The management commands of devtools."""
