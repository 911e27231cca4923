"""The demo: a small program of a made-up brand, a receiver for its postbacks, and conversions that keep coming.

program.yaml   the program, in the form of `manage.py load_config`
load.py        loads it, its postbacks pointing at the receiver
traffic.py     conversions as they might come in, endlessly
mark.py        says that the demo runs, so that postbacks may be sent to this machine
"""
