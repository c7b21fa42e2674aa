"""Checks of manifest.json and run.json, which may be damaged or edited, before anything is done with them.

The tables name the entries that RandomNet reads, with their kinds. Entries that are not named stay as they are, because
other versions may have written them.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from randomnet.results.statuses import DIVERGED, FAILED, FINISHED, FORMAT, MISSING, UNBOUNDED, ResultsError

MOST_RUNS = 10**7  # planned runs of one folder
STATUSES = (*FINISHED, DIVERGED, UNBOUNDED, FAILED, MISSING)
LONGEST = 60  # characters of a wrong value in a message

Check = Callable[[str, Any], None]  # name of the entry, its value; raises ResultsError


def _refuse(name: str, expected: str, value: Any) -> ResultsError:
    text = "".join(character if character.isprintable() else "?" for character in repr(value))
    return ResultsError(f"{name}: expected {expected}, got {text[:LONGEST]}{'...' * (len(text) > LONGEST)}")


def _whole(low: int, high: int) -> Check:
    def check(name: str, value: Any) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise _refuse(name, f"a whole number from {low} to {high}", value)

    return check


def _of_type(expected: str, *types: type) -> Check:
    def check(name: str, value: Any) -> None:
        if not isinstance(value, types):
            raise _refuse(name, expected, value)

    return check


def _one_of(*values: str) -> Check:
    def check(name: str, value: Any) -> None:
        if value not in values:
            raise _refuse(name, f"one of {', '.join(values)}", value)

    return check


def _list_of(item: Check) -> Check:
    def check(name: str, value: Any) -> None:
        _list(name, value)
        for index, each in enumerate(value):
            item(f"{name}[{index}]", each)

    return check


def _record(entries: Mapping[str, Check], required: tuple[str, ...] = (), or_none: bool = False) -> Check:
    """Check a mapping: its `required` entries are there, and those of `entries` that are there have their kinds."""

    def check(name: str, value: Any) -> None:
        if value is None and or_none:
            return
        _mapping(name, value)
        missing = [key for key in required if key not in value]
        if missing:
            raise ResultsError(f"{name}: expected an entry {missing[0]}, got none")
        for key in entries.keys() & value.keys():
            entries[key](f"{name} {key}" if name.endswith(".json") else f"{name}.{key}", value[key])

    return check


def _of_values(name: str, value: Any) -> None:
    """Check the gridded values of a combo: columns of tables, in which a list has no place."""
    _mapping(name, value)
    for key, each in value.items():
        _value(f"{name}.{key}", each)


_word = _of_type("a text", str)
_text = _of_type("a text or null", str, type(None))
_list = _of_type("a list", list)
_mapping = _of_type("a mapping", dict)
_scalar = _of_type("a number, a text or null", int, float, str, type(None))
_value = _of_type("a number, a text, a mapping or null", int, float, str, dict, type(None))
_number = _of_type("a whole number", int)
_count = _whole(0, MOST_RUNS)

_FILE = {"run": _scalar, "option": _text, "sha256": _text, "path": _text}
_FACTS = {
    "name": _text, "sha256": _text, "normalization": _text,
    "inputs": _record({}, or_none=True), "transmitters": _record({}, or_none=True),
}  # fmt: skip
_CONNECTOME = _record({**_FACTS, "upstream": _list_of(_record(_FILE, tuple(_FILE)))}, or_none=True)
_COMBO = _record(
    {"combo": _count, "values": _of_values, "settings": _mapping, "connectome": _CONNECTOME},
    ("combo", "values", "settings"),
)
_MANIFEST = _record(
    {"name": _word, "kind": _word, "seed": _number, "iterations": _whole(0, MOST_RUNS), "varied": _list_of(_word),
     "combos": _list_of(_COMBO), "versions": _mapping, "created": _text, "machine": _text,
     "device": _text},
    ("combos", "iterations"),
)  # fmt: skip
_RUN = _record(
    {"combo": _count, "iteration": _count, "status": _one_of(*STATUSES), "settings": _mapping, "summary": _mapping,
     "extended": _list_of(_count),
     "connectome": _record({**_FACTS, "upstream": _list_of(_record(_FILE))}, or_none=True)},
)  # fmt: skip


def check_manifest(path: Path, manifest: Mapping[str, Any]) -> None:
    """Check a manifest of this results format. Raises ResultsError: one line with the file, the entry and its value."""
    if manifest.get("format") != FORMAT or "combos" not in manifest:
        return  # readers say what they expect instead
    _MANIFEST(str(path), manifest)
    numbers = Counter(combo["combo"] for combo in manifest["combos"])
    number, times = max(numbers.items(), key=lambda item: item[1], default=(0, 0))
    if times > 1:
        raise ResultsError(f"{path}: expected each combo once, got combo {number} {times} times")
    if len(numbers) * manifest["iterations"] > MOST_RUNS:
        raise _refuse(f"{path} iterations", f"at most {MOST_RUNS} runs in all", manifest["iterations"])


def check_run(path: Path, record: Mapping[str, Any]) -> None:
    """Check a run.json. Raises ResultsError: one line with the file, the entry and its value."""
    _RUN(str(path), record)
