"""What all commands share: the base class, reports as text or JSON, exit codes, colours, progress, the reference.

base.py        the class that each command of the project extends
exit_codes.py  what a command's exit code says
failing.py     ends a command with a message, as text or JSON
terminal.py    whether output has colours
progress.py    progress bars
described.py   a command's options, read from its parser
reference.py   docs/commands.md
shells.py      completion for bash, zsh and fish
start.py       where the programs begin
"""
