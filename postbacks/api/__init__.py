"""The management API: what the screens of postbacks and deliveries do, over HTTP, with the same code and rules."""
