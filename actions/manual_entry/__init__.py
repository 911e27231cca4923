"""Reporting on the screens: conversions typed, pasted or uploaded, and changes of one action."""
