"""The conditions of a postback: what an event's values must be for it to fire. Pure: no database, no settings.

`condition` reads one condition and says what is wrong with it, `comparisons` compares a value, `judging` judges an
event by all conditions of a postback, and `lines` is the spelling in which people type them.
"""
