"""Shares of the runs of an experiment, for schedulers that start one process per share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Share:
    """Share `number` (from 1) of `shares` equal parts of an experiment's runs.

    division: further settings that decide which runs are in which share; it must be equal for all shares.
    """

    number: int
    shares: int
    division: str = ""

    @classmethod
    def read(cls, text: str) -> "Share":
        """A share from a text such as 2/10. Raises ValueError."""
        number, slash, shares = text.partition("/")
        if not (slash and number.isdecimal() and shares.isdecimal() and 1 <= int(number) <= int(shares)):
            raise ValueError(f"expected a share such as 2/10 (the second of ten), got {text!r}")
        return cls(int(number), int(shares))

    def of(self, runs: Sequence[T]) -> list[T]:
        """Every `shares`-th of the runs, beginning with run `number`."""
        return list(runs[self.number - 1 :: self.shares])
