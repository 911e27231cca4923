"""How much of a worker process one lane may use: each answer raises it, each failure to get one halves it."""

SMALLEST = 1
FIRST = 2  # Doubles with every round of answers, so that a fast destination soon has its full share.
LARGEST = 512
MOST_IN_FLIGHT = 256  # Connections of one process to one destination.


class ConcurrencyLimit:
    """`in_flight` limits the lane's open transfers, `held` its deliveries that are claimed and not yet recorded."""

    __slots__ = ("_size", "in_flight")

    def __init__(self) -> None:
        self._resize(FIRST)

    @property
    def held(self) -> int:
        """Three times the size: in flight, being recorded, and ready to follow while the next claim is made."""
        return 3 * self._size

    def answered(self) -> None:
        """Raises the limit: an answer, good or bad, came in time, so the destination is alive."""
        if self._size < LARGEST:
            self._resize(self._size + 1)

    def failed(self) -> None:
        """Halves the limit: there was no connection, or no answer in time."""
        self._resize(max(SMALLEST, self._size // 2))

    def _resize(self, size: int) -> None:
        self._size = size
        self.in_flight = min(size, MOST_IN_FLIGHT)  # Read several times for each transfer.
