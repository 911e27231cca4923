"""Trying a postback out while it is typed: the request as it would go out, and one that does go out."""
