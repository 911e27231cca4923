"""The dashboard: how deliveries are going, from the roll-ups, so that it costs the same however many there are."""
