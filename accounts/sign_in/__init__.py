"""Signing in: who is asking, and what happens after too many failures."""
