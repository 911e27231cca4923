"""The delivery engine: wake, drain, send, record, sweep. See `docs/architecture.md`."""
