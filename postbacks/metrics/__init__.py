"""Counts of deliveries, durations and failures: exact, at almost no cost to sending.

Code that ends deliveries or records attempts appends one small *tally* in the same transaction (`tally.py`). Every few
seconds the committed tallies are folded into rows per minute, per hour and since the beginning, for each postback and
for all together (`fold.py`). Readers read those rows (`read.py`), never the tables of deliveries and attempts.
"""
