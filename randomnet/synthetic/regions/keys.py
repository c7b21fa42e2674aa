"""The keys of a description's lists in every dialect, with the checks of their values and their defaults."""

import numbers
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from randomnet.settings import nearest

# ---- checks: (path, value) -> plain value


def _name(path: str, value: Any) -> str:
    # an unprintable name would break the single line of an error, and the checksum of the network
    if not isinstance(value, str) or not value or not value.isprintable():
        raise wrong(path, "a name", value)
    return value


def _or_null(check: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    return lambda path, value: None if value is None else check(path, value)


def _units(path: str, value: Any) -> int:
    if not isinstance(value, numbers.Integral) or not _real(value) or value < 1:
        raise wrong(path, "a whole number of at least 1", value)
    return int(value)


def _number(path: str, value: Any) -> float:
    if not _real(value):
        raise wrong(path, "a finite number", value)
    return float(value)


def _fraction(path: str, value: Any) -> float:
    if not _real(value) or not 0 <= value <= 1:
        raise wrong(path, "a number in 0..1", value)
    return float(value)


def _real(value: Any) -> bool:
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return is_number and abs(value) <= sys.float_info.max


def _boolean(path: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise wrong(path, "true or false", value)
    return value


def _cell_types(path: str, value: Any) -> tuple[tuple[str, float], ...]:
    if not isinstance(value, Mapping):
        raise wrong(path, "an object of names and fractions", value)
    for name, fraction in value.items():
        _name(path, name)
        if not _real(fraction) or not 0 < fraction <= 1:
            raise wrong(f"{path}.{name}", "a fraction above 0, of at most 1", fraction)
    total = sum(value.values())
    if value and abs(total - 1) > 1e-5:  # thirds may be written as .33333
        raise ValueError(f"{path}: expected fractions that sum to 1, got a sum of {total:g}")
    return tuple((name, float(fraction)) for name, fraction in value.items())


def _sign(words: Mapping[str, int]) -> Callable[[str, Any], int]:
    def check(path: str, value: Any) -> int:
        if not isinstance(value, str) or value not in words:
            raise ValueError(f"{wrong(path, ' or '.join(words), value)}{nearest(str(value), words)}")
        return words[value]

    return check


def _ignored_sign(path: str, value: Any) -> None:
    came = "the documentation of generation 2 has it here, but its program ignores it"
    raise ValueError(f"{path}: expected the sign on the source region alone, got {came_of(value)} ({came})")


@dataclass(frozen=True)
class Key:
    """A key of a list's entries: the check of its value, its default, or in words what is required."""

    check: Callable[[str, Any], Any]
    default: Any = None
    required: str = ""


NAME, OR_NULL, SHARE = Key(_name), Key(_or_null(_name)), Key(_or_null(_fraction))
SOURCE, TARGET = Key(_name, required="the name of a source"), Key(_name, required="the name of a region")
SPARSITY = {"sparsity": SHARE, "density": SHARE}
DEVICE = Key(_or_null(_name))  # of torch; a network has one device, so that no region has its own
UNITS, STATE = Key(_units, required="a number of units"), Key(_number, 0.0)
EXCITES, POSITIVE = Key(_sign({"exc": 1, "inhib": -1}), 1), Key(_sign({"pos": 1, "neg": -1}), 1)

# generation -> list -> key
KEYS: dict[int, dict[str, dict[str, Key]]] = {
    1: {
        "recurrent_regions": {"name": NAME, "num_units": Key(_units, 100), "init": STATE,
                              "base_firing": Key(_number, required="a number"), "cell_types": Key(_cell_types, ())},
        "recurrent_connections": {"src_region": SOURCE, "dst_region": TARGET, "src_region_cell_type": OR_NULL,
                                  "dst_region_cell_type": OR_NULL, "sign": EXCITES, **SPARSITY},
        "input_regions": {"name": NAME, "num_units": UNITS},
        "input_connections": {"input": SOURCE, "dst_region": TARGET, "dst_region_cell_type": OR_NULL,
                              "sign": EXCITES, **SPARSITY},
    },
    2: {
        "recurrent_regions": {"name": NAME, "num_units": UNITS, "init": STATE, "base_firing": STATE, "sign": POSITIVE,
                              "parent_region": OR_NULL, "learnable_bias": Key(_boolean, False), "device": DEVICE},
        "recurrent_connections": {"src_region": SOURCE, "dst_region": TARGET, "sign": Key(_ignored_sign), **SPARSITY},
        "input_regions": {"name": Key(_name, required="a name"), "num_units": UNITS, "sign": POSITIVE,
                          "device": DEVICE},
        "input_connections": {"src_region": SOURCE, "dst_region": TARGET, **SPARSITY},
    },
}  # fmt: skip
MIXED, BETWEEN, WORDS = 3, 4, {1: "exc", -1: "inhib"}
KEYS[MIXED] = {
    kind: {**(KEYS[2][kind] if kind.endswith("regions") else {}), **KEYS[1][kind], "sign": replace(sign, default=None)}
    for kind, sign in zip(KEYS[1], (POSITIVE, EXCITES, POSITIVE, EXCITES), strict=True)
}
KEYS[MIXED]["recurrent_regions"]["base_firing"] = STATE
# the versions between the generations have the signs of generation 1 and name inputs as generation 2 does
UNSIGNED = {kind: {name: key for name, key in keys.items() if name != "sign"} for kind, keys in KEYS[2].items()}
KEYS[BETWEEN] = UNSIGNED | {
    "recurrent_regions": UNSIGNED["recurrent_regions"] | {"num_units": Key(_units, 100)},
    "recurrent_connections": UNSIGNED["recurrent_connections"] | {"sign": EXCITES},
    "input_connections": UNSIGNED["input_connections"] | {"sign": EXCITES},
}
REQUIRED_BY = {1: ", as generation 1 requires", 2: ", as generation 2 requires"}


def wrong(path: str, expected: str, value: Any) -> ValueError:
    """The error for the value of a key."""
    return ValueError(f"{path}: expected {expected}, got {came_of(value)}")


def came_of(value: Any) -> str:
    """A value as an error has it: one line, shortened."""
    return "null" if value is None else " ".join(repr(value).split())[:80]
