"""What a receiver answered: its status, its headers, and its body as the receiver meant it."""

from __future__ import annotations

from postbacks.egress.charsets import text_of
from postbacks.egress.encodings import UnreadableError, unpacked


class Answer:
    """A status, headers, and a body as far as it was read; `content` is its bytes, unpacked.

    `unreadable` is a sentence that says why the body, or the end of it, could not be unpacked; mostly empty.
    """

    def __init__(self, status_code: int, content: bytes = b"", header_text: str = "", unreadable: str = "") -> None:
        self.status_code = status_code
        self.content = content
        self.header_text = header_text
        """One `Name: value` a line, as received."""
        self.unreadable = unreadable
        self._text: str | None = None

    @property
    def text(self) -> str:
        """The body as text, by its charset and without a byte order mark."""
        if self._text is None:  # It is judged, and written down. `cached_property` takes a lock, which takes longer.
            self._text = text_of(self.content, self.header_text)
        return self._text

    @text.setter
    def text(self, text: str) -> None:
        self._text = text

    def header(self, name: str) -> str | None:
        """The value of a header, None where there is none; of one that came twice, the values joined by a comma."""
        lines = (line.partition(":") for line in self.header_text.split("\n"))
        values = [value.strip() for given, colon, value in lines if colon and given.strip().lower() == name.lower()]
        return ", ".join(values) if values else None


def answer_of(status_code: int, received: bytes, header_text: str, limit: int, *, cut: bool) -> Answer:
    """The answer whose body came as `received`, unpacked to at most `limit` bytes. `cut` says that more would have
    come."""
    answer = Answer(status_code, received, header_text)
    if "content-encoding" not in header_text.lower():  # Nearly always: not worth taking the headers apart.
        return answer
    try:
        answer.content = unpacked(received, answer.header("Content-Encoding") or "", limit, cut=cut)
    except UnreadableError as error:
        answer.content, answer.unreadable = error.content, str(error)
    return answer
