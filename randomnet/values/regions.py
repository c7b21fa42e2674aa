"""Regions, inputs and projections as an INI lists them.

    regions       striatum: 100 neg d1 .5 d2 .5 base_firing 1 init .2 tau 2 parent basal_ganglia
    inputs        light: 3, cue: 1 neg
    projections   striatum/d1 -> thalamus: .3 inhib, thalamus -> striatum: sparsity .9, light -> striatum

Entries stand on lines of their own, or with commas between them, so that no name can have a comma, and no name of a
region a colon or a slash; a JSON file can. After the name of a region come its units, then words in any order: a sign,
`name fraction` for each cell type, `learnable_bias`, and the keys of `KEYS` with their values. What these values may be
is for the description to say, which they become.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from randomnet.settings.values import Value

KEYS = {"base_firing": 0.0, "init": 0.0, "tau": 1.0}  # of a region, with their defaults; besides them `parent`
LEARNABLE = "learnable_bias"  # a word without a value
SIGNS, EFFECTS = ("pos", "neg"), ("exc", "inhib")
WHOLE = ("recurrent", "input")  # all projections between regions, or all from inputs
REGION = "striatum: 100 neg d1 .5 d2 .5 base_firing 1 init 0 tau 2 parent basal_ganglia, thalamus: 50"
PROJECTION = "striatum/d1 -> thalamus: .3 inhib, thalamus -> striatum: sparsity .9"


class RegionEntry(NamedTuple):
    """A region as it is written: sign pos, neg or "", cell types with their fractions; parent "" for none."""

    name: str
    units: int
    sign: str
    cell_types: tuple[tuple[str, float], ...]
    base_firing: float
    init: float
    tau: float
    parent: str

    @property
    def learnable_bias(self) -> bool:
        """Whether `learnable_bias` is written; then the entry is a `LearnableRegionEntry`."""
        return False

    def __str__(self) -> str:
        return _region_text(self)


class LearnableRegionEntry(NamedTuple):
    """A region with the word `learnable_bias`; folders of earlier versions have regions without this field."""

    name: str
    units: int
    sign: str
    cell_types: tuple[tuple[str, float], ...]
    base_firing: float
    init: float
    tau: float
    parent: str
    learnable_bias: bool

    def __str__(self) -> str:
        return f"{_region_text(self)} {LEARNABLE}"


def _region_text(region: RegionEntry | LearnableRegionEntry) -> str:
    """A region as it is written, without `learnable_bias`."""
    pairs = [*region.cell_types, *((key, getattr(region, key)) for key in KEYS if getattr(region, key) != KEYS[key])]
    pairs += [("parent", region.parent)] if region.parent else []
    return " ".join([f"{region.name}: {region.units}", *filter(None, [region.sign]), *(f"{a} {b}" for a, b in pairs)])


class InputEntry(NamedTuple):
    """An input as it is written: sign pos, neg or ""."""

    name: str
    units: int
    sign: str

    def __str__(self) -> str:
        return f"{self.name}: {self.units} {self.sign}".rstrip()


class ProjectionEntry(NamedTuple):
    """A projection as it is written; cell types and sign "" for none, density and sparsity None where not given."""

    source: str
    source_type: str
    target: str
    target_type: str
    sign: str
    density: float | None
    sparsity: float | None

    @property
    def ends(self) -> str:
        """From where to where."""
        pairs = (self.source, self.source_type), (self.target, self.target_type)
        return " -> ".join(f"{name}/{kind}" if kind else name for name, kind in pairs)

    def __str__(self) -> str:
        given = [f"{key} {value}" for key in ("density", "sparsity") if (value := getattr(self, key)) is not None]
        more = " ".join([*given, *filter(None, [self.sign])])
        return f"{self.ends}: {more}" if more else self.ends


class Entries(tuple):
    """Entries, which print as they are written in an INI."""

    def __str__(self) -> str:
        return ", ".join(map(str, self)) or "none"


@dataclass(frozen=True)
class _List(Value):
    """Entries, with commas or lines between them; or none."""

    lines = True

    def parse(self, text: str) -> Entries:
        """The entries, in the order written."""
        if text.lower() == "none":
            return Entries()
        return Entries(self._read(part.strip()) for part in text.split(","))

    def _read(self, text: str) -> Any:
        name, _, rest = text.partition(":")
        words = iter(rest.split())
        try:
            return self._entry(name.strip(), words)
        except StopIteration:
            raise ValueError(f"; in {text!r} something is missing") from None
        except ValueError as error:
            raise ValueError(f"; in {text!r}: {error}") from None

    def _entry(self, name: str, words: Iterator[str]) -> Any:
        raise NotImplementedError


@dataclass(frozen=True)
class RegionList(_List):
    """Regions such as `striatum: 100 neg d1 .5 d2 .5`; or none."""

    @property
    def expected(self) -> str:
        """What the option may be, in words."""
        return f"regions with their units, and what else there is to say of them, such as {REGION}, or none"

    def _entry(self, name: str, words: Iterator[str]) -> RegionEntry | LearnableRegionEntry:
        units, sign = _units(name, words), ""
        types: dict[str, float] = {}
        given: dict[str, Any] = {}
        for word in words:
            if word in SIGNS:
                _once(word, not sign)
                sign = word
            elif word in ("parent", LEARNABLE):
                _once(word, word not in given)
                given[word] = word == LEARNABLE or next(words)
            else:
                into = given if word in KEYS else types
                _once(word, word not in into)
                into[word] = _number(next(words))
        entry = LearnableRegionEntry if LEARNABLE in given else RegionEntry
        return entry(name, units, sign, tuple(types.items()), **(KEYS | {"parent": ""} | given))


@dataclass(frozen=True)
class InputList(_List):
    """Inputs such as `light: 3`; or none."""

    @property
    def expected(self) -> str:
        """What the option may be, in words."""
        return "inputs with their units, and pos or neg, such as light: 3, cue: 1 neg, or none"

    def _entry(self, name: str, words: Iterator[str]) -> InputEntry:
        units, rest = _units(name, words), list(words)
        if rest and (len(rest) > 1 or rest[0] not in SIGNS):
            raise ValueError(f"expected pos or neg, got {' '.join(rest)!r}")
        return InputEntry(name, units, *rest or ("",))


@dataclass(frozen=True)
class ProjectionList(_List):
    """Projections such as `striatum/d1 -> thalamus: .3 inhib`; or none."""

    @property
    def expected(self) -> str:
        """What the option may be, in words."""
        return f"projections with their density (1 where left out) or sparsity, such as {PROJECTION}, or none"

    def _entry(self, name: str, words: Iterator[str]) -> ProjectionEntry:
        ends = [_end(end) for end in name.split("->")]
        if len(ends) != 2:
            raise ValueError("expected from -> to")
        sign, given = "", {}
        for word in words:
            if word in EFFECTS:
                _once(word, not sign)
                sign = word
                continue
            key = word if word in ("density", "sparsity") else "density"
            _once(key, key not in given)
            given[key] = _number(next(words) if word == key else word)
        return ProjectionEntry(*ends[0], *ends[1], sign, given.get("density"), given.get("sparsity"))


@dataclass(frozen=True)
class EndsList(_List):
    """Projections by their ends, such as `striatum/d1 -> thalamus`, or all of a kind; or none."""

    @property
    def expected(self) -> str:
        """What the option may be, in words."""
        return "projections such as striatum/d1 -> thalamus, light -> striatum, or recurrent or input, or none"

    def _entry(self, name: str, words: Iterator[str]) -> str:
        if list(words):
            raise ValueError("expected from -> to alone")
        if name in WHOLE:
            return name
        ends = [_end(end) for end in name.split("->")]
        if len(ends) != 2:
            raise ValueError("expected from -> to")
        return " -> ".join(f"{region}/{kind}" if kind else region for region, kind in ends)


def _end(text: str) -> tuple[str, str]:
    """Region and cell type, "" for none."""
    name, slash, kind = (part.strip() for part in text.partition("/"))
    if not name or (slash and not kind):
        raise ValueError(f"expected a region or region/type, got {text.strip()!r}")
    return name, kind


def _units(name: str, words: Iterator[str]) -> int:
    if not name:
        raise ValueError("expected a name")
    word = next(words)
    try:
        return int(word)
    except ValueError:
        raise ValueError(f"expected a whole number of units, got {word!r}") from None


def _number(word: str) -> float:
    try:
        number = float(word)
    except ValueError:
        raise ValueError(f"expected a number, got {word!r}") from None
    if not math.isfinite(number):
        raise ValueError(f"expected a finite number, got {word!r}")
    return number


def _once(word: str, first: bool) -> None:
    if not first:
        raise ValueError(f"{word!r} is there twice, or beside another sign")
