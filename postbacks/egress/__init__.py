"""The way out: which destinations may be called, the HTTP exchange, and why it failed."""
