"""Where the programs begin: `manage.py`, `partner-postbacks`, and `python -m commands.start`.

It imports nothing large, so that Ctrl-C ends the program quietly while the rest is loaded.
"""

import signal
import sys


def main() -> None:
    """Load the command line and run it."""
    given = signal.getsignal(signal.SIGINT)  # A shell's background job ignores it.
    if given is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415 -- after Ctrl-C was made quiet

    try:
        from config.command_line import main as run  # noqa: PLC0415
    except ImproperlyConfigured as error:  # What `.env` or the current folder makes impossible.
        from commands.failing import fail_to_start  # noqa: PLC0415

        fail_to_start(str(error), sys.argv)
    signal.signal(signal.SIGINT, given)
    run()


if __name__ == "__main__":
    main()
