"""The advisory locks that our processes hold in the database. Each number is "pb" in ASCII, so that it collides with no
other program's, and a purpose. Processes of different versions run side by side, so a number keeps its meaning."""

LEASE_LOCKS = 0x7062_0001  # The first of two keys; the second is the worker process's own number.
SWEEP_LOCK = (0x7062_0002, 0)
FOLD_LOCK = (0x7062_0003, 0)  # For the roll-ups.
PRUNE_LOCK = (0x7062_0004, 0)
NOTICES_LOCK = (0x7062_0010, 0)  # For looking for what operators are to be told.
