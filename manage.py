#!/usr/bin/env python
"""The project's commands, from a checkout: `manage.py help` lists them."""

from commands.start import main

if __name__ == "__main__":
    main()
