"""Django's backend for the replica."""
