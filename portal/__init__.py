"""The partner's window: what a partner or a network may see and do about its own postbacks, without a user account."""
