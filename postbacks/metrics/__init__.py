"""How many, how fast, and why not: counts that are exact, kept at nearly no cost to sending.

Whoever ends deliveries or records attempts appends one small *tally* in the same transaction (`tally.py`). Every few
seconds the committed tallies are folded into rows per minute, per hour and since the beginning, of each postback and of
all together (`fold.py`). Readers read those rows (`read.py`), never the tables of deliveries and attempts.
"""
