"""One owner's postbacks: Partner Integration of a partner, Event Notifications of a network."""
