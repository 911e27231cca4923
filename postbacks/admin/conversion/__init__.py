"""The form's box for a URL of another network."""
