"""One question per module: `figures(full)` yields figures as they are measured, and leaves nothing running."""
