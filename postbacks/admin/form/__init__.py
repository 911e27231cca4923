"""The form of a postback: its fields as users type them, and the secrets that are kept."""
