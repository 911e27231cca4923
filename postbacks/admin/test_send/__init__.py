"""Previews the request of a postback while it is being typed, and sends a test request."""
