"""The demo: a small program of a made-up brand, a receiver for its postbacks, and a steady flow of conversions.

program.yaml   the program, in the format of `manage.py load_config`
load.py        loads it, with its postbacks pointing at the receiver
traffic.py     made-up conversions, endlessly
mark.py        marks that the demo is running, so that postbacks may be sent to this machine
"""
