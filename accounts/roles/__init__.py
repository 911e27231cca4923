"""Viewer, operator and administrator: what each may do, and the screens on which users get them."""
