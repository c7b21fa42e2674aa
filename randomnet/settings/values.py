"""What an option's text may be: each kind of value says what it expects and turns text into a plain value."""

import difflib
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

TOLERANCE = 1e-6  # of a number of steps that is whole
DIGITS = 12
MOST_STEPS = 1e9  # of which no experiment consists
MOST_NAMED, MOST_NEAR = 16, 5  # names that an error lists: of all, and of more those that are nearest


class ConfigError(ValueError):
    """What is wrong with a configuration: one line naming file, section, key, what was expected and what came."""


def nearest(name: str, names: Iterable[str]) -> str:
    """`; did you mean 'x'?` for the nearest of `names`, or nothing where none is near."""
    by_lower = {candidate.lower(): candidate for candidate in names}
    found = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return f"; did you mean '{by_lower[found[0]]}'?" if found else ""


def names_text(name: str, names: Sequence[str]) -> str:
    """The names that may stand in the place of one, for errors: all of a few, of many those that are nearest."""
    if len(names) <= MOST_NAMED:
        return ", ".join(names)
    by_lower = {candidate.lower(): candidate for candidate in names}
    near = difflib.get_close_matches(name.lower(), by_lower, n=MOST_NEAR, cutoff=0.0)
    return f"{len(names)} names, of which {', '.join(by_lower[each] for each in near)} are nearest"


@dataclass(frozen=True)
class Value:
    """One kind of value: `expected` is the text of the error and of the help, `parse` raises ValueError."""

    lines = False  # whether its entries, with commas between them, may stand on lines of their own
    may_be_list = False  # whether a list in brackets, such as [2, 4], may be one value
    results = False  # whether its paths are folders that earlier runs have written

    @property
    def may_be_empty(self) -> bool:
        """Whether nothing is a value: of plain texts and paths only."""
        return type(self) in (Value, Location)

    @property
    def expected(self) -> str:
        """What the option may be, in words."""
        return "text"

    def parse(self, text: str) -> Any:
        """The plain value of `text`."""
        return text

    def with_paths(self, text: str, place: Callable[[str], str]) -> str:
        """The text with `place` of each path in it."""
        return text


@dataclass(frozen=True)
class Location(Value):
    """The path of a file or folder. results: one that earlier runs have written. several: or more, with commas."""

    results: bool = False
    several: bool = False

    def with_paths(self, text: str, place: Callable[[str], str]) -> str:
        """The text with `place` of each path in it; a path may itself have commas."""
        placed = place(text)
        if placed != text or not self.several or "," not in text:
            return placed
        parts = [part.strip() for part in text.split(",")]
        return ", ".join(place(part) for part in parts)


@dataclass(frozen=True)
class Integer(Value):
    """A whole number within bounds, or one of `words`."""

    low: int | None = None
    high: int | None = None
    words: tuple[str, ...] = ()

    @property
    def expected(self) -> str:
        """What the option may be, in words."""
        return "a whole number" + _bounds(self.low, self.high, False) + "".join(f", or {w}" for w in self.words)

    def parse(self, text: str) -> int | str:
        """The number, or the word."""
        if text.lower() in self.words:
            return text.lower()
        number = int(text)
        _within(number, self.low, self.high, False)
        return number


@dataclass(frozen=True)
class Number(Value):
    """A finite number within bounds (`above`: the lower bound itself is not allowed), or one of `words`."""

    low: float | None = None
    high: float | None = None
    above: bool = False
    words: tuple[str, ...] = ()

    @property
    def expected(self) -> str:
        """What the option may be, in words."""
        return "a number" + _bounds(self.low, self.high, self.above) + "".join(f", or {w}" for w in self.words)

    def parse(self, text: str) -> float | str:
        """The number, or the word."""
        if text.lower() in self.words:
            return text.lower()
        number = float(text)
        if not math.isfinite(number):
            raise ValueError("not finite")
        _within(number, self.low, self.high, self.above)
        return number


@dataclass(frozen=True)
class NumberOrList(Value):
    """A number within bounds, or a list of several."""

    may_be_list = True

    low: float
    high: float

    @property
    def expected(self) -> str:
        """What the option may be, in words."""
        return f"a number{_bounds(self.low, self.high, False)}, or a list of different ones such as 0, 2, 4"

    def parse(self, text: str) -> float | tuple[float, ...]:
        """The number, or the numbers, ascending."""
        found: list[Any]
        found = [Number(self.low, self.high).parse(part) for part in text.strip("[]()").replace(",", " ").split()]
        if len(set(found)) < len(found) or not found:
            raise ValueError("none, or one twice")
        return found[0] if len(found) == 1 else tuple(sorted(found))


@dataclass(frozen=True)
class Boolean(Value):
    """True or False, in the spellings of configparser; or one of `words`."""

    words: tuple[str, ...] = ()

    @property
    def expected(self) -> str:
        """What the option may be, in words."""
        return "True or False" + "".join(f", or {w}" for w in self.words)

    def parse(self, text: str) -> bool | str:
        """The truth value, or the word."""
        lower = text.lower()
        if lower in self.words:
            return lower
        if lower in ("true", "yes", "on", "1"):
            return True
        if lower in ("false", "no", "off", "0"):
            return False
        raise ValueError("not a truth value")


@dataclass(frozen=True)
class Choice(Value):
    """One of `names`, in any case, or a predecessor's spelling of one."""

    names: tuple[str, ...]
    spellings: Mapping[str, str] = field(default_factory=dict)

    @property
    def expected(self) -> str:
        """What the option may be, in words."""
        return "one of " + ", ".join(self.names)

    def parse(self, text: str) -> str:
        """The name as RandomNet spells it."""
        known = {name.lower(): name for name in self.names}
        known |= {spelling.lower(): name for spelling, name in self.spellings.items()}
        if text.lower() not in known:
            raise ValueError(nearest(text, [*self.names, *self.spellings]))
        return known[text.lower()]


@dataclass(frozen=True)
class Sum(Value):
    """One of `names`, or a sum of them with weights, such as `task + 0.1*mse`; as a text in RandomNet's spelling."""

    terms: Choice

    @property
    def expected(self) -> str:
        """What the option may be, in words."""
        return f"{self.terms.expected}, or a sum such as task + 0.1*mse"

    def parse(self, text: str) -> str:
        """The sum in one spelling: names once each, weights only where they are not 1."""
        parts: dict[str, float] = {}
        for part in text.split("+"):
            factor, times, name = part.rpartition("*")
            weight, name = float(factor) if times else 1.0, self.terms.parse(name.strip())
            if not 0 < weight < math.inf or name in parts:
                raise ValueError("a weight that is not positive, or a name twice")
            parts[name] = weight
        return " + ".join(name if weight == 1 else f"{weight:g}*{name}" for name, weight in parts.items())


@dataclass(frozen=True)
class Several(Value):
    """One or more of `names`, such as `weights + gains`, in their order; without `names` any; or none (`none`)."""

    names: tuple[str, ...] = ()
    none: bool = False

    @property
    def expected(self) -> str:
        """What the option may be, in words."""
        which = f"of {', '.join(self.names)}" if self.names else "names"
        return f"one or more {which}, joined by +" + ", or none" * self.none

    def parse(self, text: str) -> str:
        """The names once each, joined by ` + `."""
        if self.none and text.lower() == "none":
            return "none"
        found = [part.strip() for part in re.split(r"[+,]", text)]
        if self.names:
            found = [Choice(self.names).parse(part) for part in found]
        if len(set(found)) < len(found) or not all(found):
            raise ValueError("a name twice, or an empty one")
        return " + ".join([name for name in self.names if name in found] or found)


def weighted(text: str) -> dict[str, float]:
    """The terms of a parsed Sum and their weights, {"task": 1.0, "mse": 0.1}."""
    return {part.rpartition("*")[2]: float(part.rpartition("*")[0] or 1) for part in text.split(" + ")}


@dataclass(frozen=True)
class Share:
    """A percentage of N."""

    percent: float

    def __str__(self) -> str:
        return f"{self.percent:g}%"


@dataclass(frozen=True)
class CountOrShare(Value):
    """A count, or a percentage of N such as `10%`."""

    @property
    def expected(self) -> str:
        """What the option may be, in words."""
        return "a whole number >= 1, or a percentage of the neurons such as 10%"

    def parse(self, text: str) -> int | Share:
        """The count, or the share to be taken of N later."""
        if text.endswith("%"):
            percent = float(text[:-1])
            if not 0 < percent <= 100:
                raise ValueError("out of range")
            return Share(percent)
        number = int(text)
        _within(number, 1, None, False)
        return number


@dataclass(frozen=True)
class Ordinals(Value):
    """Some of the first, second, ...: whole numbers from 1 on, once each; or none."""

    may_be_list = True

    @property
    def expected(self) -> str:
        """What the option may be, in words."""
        return "different whole numbers >= 1 such as 1, 2, or none"

    def parse(self, text: str) -> tuple[int, ...] | str:
        """The numbers, ascending, or 'none'."""
        if text.lower() == "none":
            return "none"
        numbers = [int(part) for part in text.strip("[]()").replace(",", " ").split()]
        if not numbers or min(numbers) < 1 or len(set(numbers)) < len(numbers):
            raise ValueError("none, below 1, or twice")
        return tuple(sorted(numbers))


class Listed(tuple):
    """Rows (name, value, ...), which print as they are written in an INI."""

    def __str__(self) -> str:
        return ", ".join(f"{name}: {' '.join(map(str, rest))}" for name, *rest in self) or "none"


@dataclass(frozen=True)
class Named(Value):
    """Names with a number each, such as `E: 400, I: 100`; or one number for all; or one of `words`."""

    whole: bool = False
    low: float | None = None
    above: bool = False
    none: bool = False  # whether no name at all will do
    one: bool = False  # whether one number for all will do
    words: tuple[str, ...] = ()

    @property
    def expected(self) -> str:
        """What the option may be, in words."""
        kind = "whole numbers" if self.whole else "numbers"
        others = [*["one number for all"] * self.one, *["none"] * self.none, *self.words]
        named = f"names with {kind}{_bounds(self.low, None, self.above)} such as E: 4, I: 1"
        return ", or ".join([named, *others])

    def parse(self, text: str) -> Listed | float | str:
        """((name, number), ...), the number, or the word."""
        if text.lower() in self.words:
            return text.lower()
        if self.one and ":" not in text:
            return self._number(text)
        entries = named_entries(text)
        if not (entries or self.none):
            raise ValueError("none")
        return Listed((name, self._number(number)) for name, number in entries)

    def with_entry(self, text: str, name: str, number: str) -> str:
        """The text `name: number, ...` with this number for this name."""
        if ":" not in text and text.lower() != "none":
            raise ValueError("no names")
        entries = dict(named_entries(text)) | {name: number}
        return ", ".join(f"{one}: {other}" for one, other in entries.items())

    def _number(self, text: str) -> float:
        number = int(text) if self.whole else float(text)
        if not math.isfinite(number):
            raise ValueError("not finite")
        _within(number, self.low, None, self.above)
        return number


def named_entries(text: str) -> list[tuple[str, str]]:
    """The (name, rest) of `name: rest, name: rest`, names once each; none of `none`."""
    if text.lower() == "none":
        return []
    parts = [part.partition(":") for part in text.split(",")]
    entries = [(name.strip(), rest.strip()) for name, _, rest in parts]
    if not all(name and rest for name, rest in entries) or len({name for name, _ in entries}) < len(entries):
        raise ValueError("a name without a value, or twice")
    return entries


def is_whole(time: float, unit: float) -> bool:
    """Whether a time is a whole number of units, at least one."""
    return time >= unit * (1 - TOLERANCE) and abs(time / unit - round(time / unit)) <= TOLERANCE * max(1, time / unit)


def in_units(time: float, unit: float) -> float:
    """The multiple of the unit that is nearest to a time; at least one. The time itself where there are too many."""
    if time / unit > MOST_STEPS:
        return time
    number = round(time / unit)
    return time if is_whole(time, unit) else round(number * unit, DIGITS) if number > 1 else unit


def _bounds(low: float | None, high: float | None, above: bool) -> str:
    if low is not None and high is not None:
        return f" above {low:g}, at most {high:g}" if above else f" from {low:g} to {high:g}"
    if low is not None:
        return f" {'above' if above else '>='} {low:g}"
    return f" <= {high:g}" if high is not None else ""


def _within(number: float, low: float | None, high: float | None, above: bool) -> None:
    if low is not None and (number < low or (above and number == low)):
        raise ValueError("too small")
    if high is not None and number > high:
        raise ValueError("too large")
