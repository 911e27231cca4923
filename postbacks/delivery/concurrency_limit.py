"""How much of a worker process one lane may use: more with every answer, half with every failure to get one."""

SMALLEST = 1
FIRST = 2  # Doubles with every round of answers, so that a fast destination has its full share within a blink.
LARGEST = 512
MOST_IN_FLIGHT = 256  # Connections of one process to one destination.


class ConcurrencyLimit:
    """`in_flight` transfers may be in the air, `held` deliveries may be claimed and not yet recorded."""

    __slots__ = ("_size",)

    def __init__(self) -> None:
        self._size = FIRST

    @property
    def in_flight(self) -> int:
        return min(self._size, MOST_IN_FLIGHT)

    @property
    def held(self) -> int:
        """Twice the size, so that the next are at hand when the ones in flight come back."""
        return 2 * self._size

    def answered(self) -> None:
        """Any answer, good or bad, came in time: the destination is alive."""
        if self._size < LARGEST:
            self._size += 1

    def failed(self) -> None:
        """No connection, or no answer in time."""
        self._size = max(SMALLEST, self._size // 2)
