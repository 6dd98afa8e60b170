"""How many rows go into a batch, learnt from what fitted and what did not."""

from __future__ import annotations

from pytest_evalkit.errors import OptionError

# Enough to keep a large device busy with short prompts; more is seldom faster.
MOST_ROWS = 64
# Small enough to fit nearly always, and few doublings away from the most.
_FIRST_TRY = 8


class BatchSizes:
    """Tells how many rows of a length to try at once.

    What fitted also fits with fewer or shorter rows; what did not fit does not fit with
    more or longer ones. Lengths count by their next power of two: what is hardly
    shorter is not tried anew. Between the two the size doubles while nothing failed, and
    halves the distance once something did, until the largest that fits is known.

    Args:
        asked: How many rows the user wants; None to find the largest that fits.
        most: The most rows where that is to be found.

    Raises:
        OptionError: A size is below one.
    """

    def __init__(self, asked: int | None = None, *, most: int = MOST_ROWS) -> None:
        for name, value in (("batch_size", asked), ("max_batch_size", most)):
            if value is not None and value < 1:
                raise OptionError(f"{name} must be at least 1, got {value}")
        self._asked = asked
        self._most = most
        self._longest_fitted: dict[int, int] = {}
        self._shortest_failed: dict[int, int] = {}

    @property
    def most(self) -> int:
        """The most rows that a batch may come to have."""
        return self._asked or self._most

    def size(self, length: int) -> int:
        """Tell how many rows to put together; at least one.

        Args:
            length: Tokens of the longest row.
        """
        length = _step(length)
        too_many = self._too_many(length)
        if self._asked is not None:
            if too_many is None:
                return self._asked
            # Half of what failed, unless more than that is known to fit.
            below = max(too_many // 2, self._fitted(length))
            return max(1, min(self._asked, below))
        fitted = self._fitted(length)
        if too_many is None:
            return min(self._most, max(_FIRST_TRY, 2 * fitted))
        if fitted + 1 >= too_many:
            return max(1, fitted)
        return max(1, (fitted + too_many) // 2)

    def fitted(self, rows: int, length: int) -> None:
        """Learn that a batch fitted into memory."""
        length = _step(length)
        self._longest_fitted[rows] = max(length, self._longest_fitted.get(rows, 0))

    def failed(self, rows: int, length: int) -> None:
        """Learn that a batch did not fit; believed over what fitted before."""
        length = _step(length)
        self._shortest_failed[rows] = min(
            length, self._shortest_failed.get(rows, length)
        )
        # Memory may have gone elsewhere since.
        self._longest_fitted = {
            n: min(known, length - 1) if n >= rows else known
            for n, known in self._longest_fitted.items()
        }

    def _fitted(self, length: int) -> int:
        known = self._longest_fitted.items()
        return max((rows for rows, longest in known if longest >= length), default=0)

    def _too_many(self, length: int) -> int | None:
        known = self._shortest_failed.items()
        return min(
            (rows for rows, shortest in known if shortest <= length), default=None
        )


def _step(length: int) -> int:
    return 1 << max(0, length - 1).bit_length()


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error says that memory was too small.

    Torch has a class of its own for CUDA, and says it in words for other devices and
    for the libraries below it.
    """
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(said in text for said in _SAID)


_SAID = (
    "out of memory",
    "can't allocate memory",
    "cublas_status_alloc_failed",
    "cudnn_status_alloc_failed",
)
