"""Two numbers that bound others."""

from dataclasses import dataclass

from randomnet.settings.values import Value


@dataclass(frozen=True)
class Interval(Value):
    """Two numbers `low:high`, 0 <= low < high, of which the second may be inf; or none."""

    @property
    def expected(self) -> str:
        """What the option may be, in words."""
        return "none, or two numbers 0 <= low < high such as 0:10 (0.1:inf has no upper one)"

    def parse(self, text: str) -> tuple[float, float] | str:
        """(low, high), or 'none'."""
        if text.lower() == "none":
            return "none"
        low, high = (float(part) for part in text.split(":"))
        if not 0 <= low < high:
            raise ValueError("no interval")
        return low, high
