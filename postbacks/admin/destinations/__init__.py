"""The Held screen: destinations that are down and postbacks that are paused, with what waits for them."""
