"""supervisord with a faster tick: `python -m devtools.embedded.supervisord -c FILE [--nodaemon]`.

supervisord starts and stops programs on a tick of one second, and a stop takes several ticks. Every command that starts
the servers, and every Ctrl-C, would wait for them.
"""

from supervisor.options import ServerOptions
from supervisor.supervisord import go

PULSE_SECONDS = 0.1


def main() -> None:
    """Run supervisord with the arguments of the command line."""
    options = ServerOptions()
    poll = options.poller.poll
    options.poller.poll = lambda timeout: poll(min(timeout, PULSE_SECONDS))
    options.realize()
    options.first = True  # No reload after SIGHUP: the process that needs the programs starts them again.
    options.test = False
    go(options)


if __name__ == "__main__":
    main()
