"""One question each: `figures(full)` yields the answers as they are measured, and leaves nothing running."""
