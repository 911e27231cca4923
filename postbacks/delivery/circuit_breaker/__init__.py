"""Destinations that are down are held: a pure rule (`health`), and its rows (`store`)."""
