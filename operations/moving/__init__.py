"""An account moves to another cell: its rows are written to a file there, and read here, with their ids.

rows.py     which rows those are
file.py     how the file is written and read
account.py  the steps: stop and write, read, go on, end
"""
