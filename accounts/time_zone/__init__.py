"""The time zone that a user has chosen for the screens."""
