"""A local HTTP receiver: shows and logs the requests that arrive, for people, demos, measurements and tests."""
