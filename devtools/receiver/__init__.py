"""A local HTTP receiver that shows and logs the requests it gets, for users, demos, benchmarks and tests."""
