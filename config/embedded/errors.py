"""The one error of the embedded services."""


class EmbeddedError(Exception):
    """The embedded services cannot be started; the message tells the user what to do."""
