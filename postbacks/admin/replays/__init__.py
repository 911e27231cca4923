"""Replays: choose, see the count, confirm, watch."""
