"""Held: the destinations that are down and the postbacks that are paused, with what waits for them."""
