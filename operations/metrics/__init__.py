"""`/metrics` for Prometheus, read from the database at each request.

So it is the same whichever web process answers, and includes the work of workers that have ended. The numbers come from
the roll-ups (`postbacks/metrics/`) and from indexes that hold only unfinished rows; nothing counts history.
"""
