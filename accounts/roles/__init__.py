"""The roles viewer, operator and administrator: what each may do, and the screens that assign them."""
