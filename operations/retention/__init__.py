"""What grows with every event is kept for so many days, and then goes: each night, in small steps.

`ages` reads how long; `kinds` says of each kind of row what goes and what stays; `prune` works through them, and
`background` does so in a worker, when `tasks` says so. Deliveries that have not ended, and what they need, stay however
old they are.
"""
