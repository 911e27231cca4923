"""The dashboard: how deliveries are going. It reads the roll-ups, so its cost does not grow with their number."""
