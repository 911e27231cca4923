"""Deletes data after the configured number of days: each night, in small steps.

`ages` reads how long to keep it; `kinds` says for each kind of row what goes and what stays; `prune` works through
them, and `background` does so in a worker, when `tasks` starts it. Unfinished deliveries, and what they need, stay
however old they are.
"""
