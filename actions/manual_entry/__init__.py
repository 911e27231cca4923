"""Manual entry: conversions typed, pasted or uploaded on the screens, and changes of one action."""
