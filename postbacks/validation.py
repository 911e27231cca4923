"""What makes a postback sendable, checked where it is saved; the database checks what is simple."""

from postbacks.models import Postback


def postback_errors(postback: Postback) -> dict[str, list[str]]:
    """Field name to messages; empty when the postback can be saved."""
    raise NotImplementedError(postback)
