"""The form of a postback: its fields as people type them, and what was kept of secrets."""
