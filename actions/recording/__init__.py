"""How a report becomes an action and its events: the one way in is `record`."""
