"""`/metrics` for Prometheus, read from the database whenever it is asked for.

So it is the same whichever process of the web answers, and counts what workers did that live no more. The numbers come
from the roll-ups (`postbacks/metrics/`) and from indexes that hold unfinished rows only; nothing counts history.
"""
