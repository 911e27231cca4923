"""`manage.py up`: web, worker and beat in the foreground of one terminal, on embedded or given servers.

start.py       from an empty folder to running programs, and back
ports.py       whether a port is free
first_start.py the administrator of a new database
programs.py    the programs to run
console.py     the output of the programs, line by line with their names
group.py       finds and stops what an earlier start left behind
keeper.py      holds the embedded servers for the programs, and ends them when `up` itself is killed
"""
