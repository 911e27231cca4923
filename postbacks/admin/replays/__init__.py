"""The pages of replays: choose, see the count, confirm, watch, cancel, resume."""
