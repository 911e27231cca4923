"""The one search of the admin: its own pages by their names and other words, and rows by name or id."""
