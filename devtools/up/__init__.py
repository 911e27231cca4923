"""`manage.py up`: web, worker and beat in the foreground of one terminal, on the embedded servers or given ones.

start.py       from the empty folder to running programs, and back
ports.py       whether a port is free
first_start.py the administrator of a new database
programs.py    what runs
console.py     what the programs print, line by line under their names
group.py       finding and stopping what an earlier start left behind
keeper.py      holds the embedded servers for the programs, and ends them when `up` itself is killed
"""
