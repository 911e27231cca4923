"""Replay: action events are sent again, by selection, in order, behind live traffic.

A replay is planned once (`plan`): what it is to send stands in rows, so what the dry run counted is what goes out. It
is fed to the engine in batches (`feed`); each batch takes its rows and makes its deliveries in one transaction, so
whoever drives it may die at any moment, and another goes on: nothing is left out, nothing is made twice.
"""
