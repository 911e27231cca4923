"""Replay: sends selected action events again, in order, behind live traffic.

A replay is planned once (`plan`), as rows, so it sends what the dry run counted. It is fed to the engine in batches
(`feed`); each batch takes its rows and makes its deliveries in one transaction, so its driver may die at any moment and
another continues: nothing is left out, nothing is made twice.
"""
