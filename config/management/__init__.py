"""Commands that need everything that is put together here."""
