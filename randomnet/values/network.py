"""Kinds of value of networks and their training: targets of exponents, counts of parameters, neurons, kernels."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from randomnet.settings.values import Choice, Integer, Listed, Number, Value, named_entries

SYMMETRIES = {"symmetric": 1.0, "antisymmetric": -1.0, "none": 0.0}


@dataclass(frozen=True)
class Symmetry(Value):
    """A correlation from -1 to 1, or a word for one of these."""

    @property
    def expected(self) -> str:
        """What the option may be, in words."""
        return f"a number from -1 to 1, or {', '.join(SYMMETRIES)}"

    def parse(self, text: str) -> float:
        """The correlation."""
        return SYMMETRIES[text.lower()] if text.lower() in SYMMETRIES else float(Number(-1, 1).parse(text))


@dataclass(frozen=True)
class Label(Choice):
    """A kind of label of the neurons: one of `names`, or any other that a table of neurons has."""

    @property
    def expected(self) -> str:
        """What the option may be, in words."""
        return f"{super().expected}, or another label of the neurons"

    def parse(self, text: str) -> str:
        """The name as RandomNet spells it; other labels as they are."""
        try:
            return super().parse(text)
        except ValueError:
            if not text.strip():
                raise
            return text


@dataclass(frozen=True)
class Patience(Integer):
    """A whole number of epochs; a loss, as FlyStability has there, names the option for it."""

    def parse(self, text: str) -> int | str:
        """The number. Raises ValueError, which names trainvalidate.stop_below where the text is a loss."""
        try:
            return super().parse(text)
        except ValueError:
            loss = float(text)
            is_loss = 0 < loss < math.inf and not loss.is_integer()
            hint = f"; to stop once the loss is below {text}: trainvalidate.stop_below = {text}"
            raise ValueError(hint if is_loss else "not a number of epochs") from None


@dataclass(frozen=True)
class Target(Value):
    """A number, a curve `first:last` (two numbers), or the path of a file of numbers."""

    @property
    def expected(self) -> str:
        """What the option may be, in words."""
        return "a number, a curve such as 1.25:-1.25, or the path of a file of numbers"

    def parse(self, text: str) -> float | tuple[float, float] | str:
        """float, (first, last), or the path."""
        numbers = []
        for part in text.split(":"):
            try:
                numbers.append(float(part))
            except ValueError:
                break
        if len(numbers) == text.count(":") + 1:
            if len(numbers) > 2 or not all(math.isfinite(number) for number in numbers):
                raise ValueError("not a target")
            return numbers[0] if len(numbers) == 1 else (numbers[0], numbers[1])
        if not text:
            raise ValueError("empty")
        return text

    def with_paths(self, text: str, place: Callable[[str], str]) -> str:
        """The text with `place` of the file, where it is the path of one."""
        try:
            return place(text) if isinstance(self.parse(text), str) else text
        except ValueError:
            return text


@dataclass(frozen=True)
class Counts(Value):
    """`all`, one count for every trained parameter, or three counts: weights, gains, shifts."""

    @property
    def expected(self) -> str:
        """What the option may be, in words."""
        return "all, one whole number >= 1, or three whole numbers >= 0 (weights, gains, shifts) such as 100 0 0"

    def parse(self, text: str) -> str | int | tuple[int, int, int]:
        """'all', the count, or the three counts."""
        if text.lower() == "all":
            return "all"
        numbers = tuple(int(part) for part in text.replace(",", " ").split())
        if len(numbers) not in (1, 3) or min(numbers) < (1 if len(numbers) == 1 else 0):
            raise ValueError("not counts")
        return numbers[0] if len(numbers) == 1 else (numbers[0], numbers[1], numbers[2])


@dataclass(frozen=True)
class Neurons(Value):
    """A number for every region, a list of one per region, or `density`."""

    may_be_list = True

    @property
    def expected(self) -> str:
        """What the option may be, in words."""
        return "a whole number >= 1, a list of one per region such as 4, 4, 10, or density"

    def parse(self, text: str) -> int | tuple[int, ...] | str:
        """The number, the numbers, or 'density'."""
        if text.lower() == "density":
            return "density"
        numbers = tuple(int(part) for part in text.strip("[]()").replace(",", " ").split())
        if not numbers or min(numbers) < 1:
            raise ValueError("too few")
        return numbers[0] if len(numbers) == 1 else numbers


@dataclass(frozen=True)
class Kernels(Value):
    """Names with a kernel each and its numbers, such as `EE: cosine 0.5 90`; or none."""

    names: tuple[str, ...]

    @property
    def expected(self) -> str:
        """What the option may be, in words."""
        kernels = ", ".join(self.names)
        return f"blocks with one of {kernels}, kappa and phase in degrees, such as EE: cosine 0.5 90, or none"

    def parse(self, text: str) -> Listed:
        """((block, kernel, kappa, phase), ...)."""
        found = []
        for block, words in named_entries(text):
            name, *numbers = words.split()
            kappa, phase = (*map(float, numbers), 0.0, 0.0)[:2]
            if len(numbers) > 2 or not (math.isfinite(kappa) and math.isfinite(phase)):
                raise ValueError("numbers")
            found.append((block, Choice(self.names).parse(name), kappa, phase))
        return Listed(found)


@dataclass(frozen=True)
class Columns(Value):
    """Roles of columns with the name of a column each, such as `pre: from, post: to`; or none."""

    roles: tuple[str, ...]

    @property
    def expected(self) -> str:
        """What the option may be, in words."""
        return f"roles with a column each ({', '.join(self.roles)}), such as pre: from, post: to, or none"

    def parse(self, text: str) -> Listed:
        """((role, column), ...)."""
        entries = named_entries(text) if text else []
        return Listed((Choice(self.roles).parse(role), column) for role, column in entries)
