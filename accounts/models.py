"""This app has no tables. The module must exist: Django sends `post_migrate` only to apps that have one."""
