"""Sign-in: the address of the client, and the answer after too many failures."""
