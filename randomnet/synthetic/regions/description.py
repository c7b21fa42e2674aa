"""Regions and connections as records, and the two JSON dialects (generations of mRNNTorch) that describe them.

Four lists: recurrent_regions, recurrent_connections, input_regions, input_connections. The generations differ in keys:

    generation 1    cell types inside regions, the sign (exc, inhib) on every connection, inputs named by `input`
    generation 2    the sign (pos, neg) on the source region or input, parent regions, inputs named by `src_region`

`KEYS` has every key with its default. A key that only one generation has decides which it is. Without such a key, both
mean the same network, and a key that only one of them requires decides (`_generation`). Versions between them have the
signs of generation 1, no cell types, and inputs named by `src_region` (BETWEEN). A description in an INI may mix the
keys of both (MIXED).
"""

import json
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from randomnet.settings import nearest
from randomnet.synthetic.regions.keys import BETWEEN, KEYS, MIXED, REQUIRED_BY, WORDS, Key, came_of, wrong


@dataclass(frozen=True)
class Region:
    """A recurrent region.

    base_firing: the constant drive of its units; init: their initial state. cell_types: (name, fraction) of contiguous
    sub-blocks; the fractions sum to 1; () for no types. sign: of its outgoing connections, 1 or -1; None where each
    connection has its own. parent: name of the group of regions, or None. learnable_bias: whether a model trains its
    drive.
    """

    name: str
    units: int
    base_firing: float = 0.0
    init: float = 0.0
    cell_types: tuple[tuple[str, float], ...] = ()
    sign: int | None = None
    parent: str | None = None
    learnable_bias: bool = False

    @property
    def type_units(self) -> dict[str, int]:
        """Units of every cell type, by the largest-remainder method (ties: the first), so that they sum to `units`."""
        fractions = np.array([fraction for _, fraction in self.cell_types])
        # .29 x 100 is 28.999999999999996: without rounding, ties and whole numbers would depend on the last bit
        quotas = np.round(fractions / fractions.sum() * self.units, 9)
        sizes = np.floor(quotas).astype(int)
        largest_first = np.argsort(np.round(sizes - quotas, 6), kind="stable")
        sizes[largest_first[: self.units - sizes.sum()]] += 1
        return {name: int(size) for (name, _), size in zip(self.cell_types, sizes, strict=True)}


@dataclass(frozen=True)
class Input:
    """An input region. sign: of its outgoing connections, 1 or -1; None where each connection has its own."""

    name: str
    units: int
    sign: int | None = None


@dataclass(frozen=True)
class Connection:
    """A connection from a region or an input to a region, or between cell types of them (None: all units).

    sign: 1 or -1. sparsity: the fraction of each source unit's possible edges that is absent within the block.
    """

    source: str
    target: str
    source_type: str | None = None
    target_type: str | None = None
    sign: int = 1
    sparsity: float = 0.0

    def __str__(self) -> str:
        ends = ((self.source, self.source_type), (self.target, self.target_type))
        return " -> ".join(name if cell_type is None else f"{name}/{cell_type}" for name, cell_type in ends)


@dataclass(frozen=True)
class Description:
    """A network of regions. `from_dict` and `read_description` ensure that names are known and connections unique."""

    regions: tuple[Region, ...]
    connections: tuple[Connection, ...] = ()
    inputs: tuple[Input, ...] = ()
    input_connections: tuple[Connection, ...] = ()

    @property
    def units(self) -> int:
        """Number of recurrent units H."""
        return sum(region.units for region in self.regions)

    @property
    def input_units(self) -> int:
        """Number of input units I."""
        return sum(region.units for region in self.inputs)


# ---- reading


def read_description(path: Path | str) -> Description:
    """The description in a JSON file of either generation. Raises ValueError, one line that names the file."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8-sig"), object_pairs_hook=_object)
    except (OSError, ValueError, RecursionError) as error:
        came = " ".join(str(getattr(error, "strerror", error)).split())
        raise ValueError(f"{path}: expected a JSON file, got {came}") from None
    return from_dict(content, str(path))


def from_dict(content: Mapping[str, Any], where: str = "description", *, mixed: bool = False) -> Description:
    """The description in a dict of the four lists, with the keys of either generation of mRNNTorch.

    `density` is accepted in place of `sparsity` (density = 1 - sparsity), and keys `__comment_*` beside the lists. A
    `device` of regions (generation 2) is accepted, and a warning says that it is not used.
    mixed: keys of both generations are allowed, and inputs are named by `input`. A sign is then on the source or on the
    connection; without any, it is excitatory. Raises ValueError, one line: `where`, the path of the key, what was
    expected and what came. Errors are unknown keys or names, duplicates, values out of range, keys of both generations
    unless mixed, and opposite signs of one edge, or of a connection and its source.
    """
    try:
        entries = _entries(content)
        description = _description(entries, MIXED if mixed else _generation(entries))
    except ValueError as error:
        raise ValueError(f"{where}: {' '.join(str(error).split())}") from None  # a key may have line breaks
    _name_unused_devices(where, entries)
    return description


def _name_unused_devices(where: str, entries: Mapping[str, list[Mapping[str, Any]]]) -> None:
    """Warn where regions have a device, which a network has as a whole."""
    devices = {entry["device"] for of_kind in entries.values() for entry in of_kind if entry.get("device")}
    if devices:
        warnings.warn(f"{where}: the device of its regions ({', '.join(sorted(devices))}) is not used; [execution] "
                      "device, or MultiRegionRNN(device=...), sets that of the network", stacklevel=3)  # fmt: skip


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object. Raises ValueError for a duplicate key, of which json would silently use the last."""
    duplicates = [key for key, count in Counter(key for key, _ in pairs).items() if count > 1]
    if duplicates:
        raise ValueError(f"the key {duplicates[0]!r} twice in one object")
    return dict(pairs)


def _description(entries: Mapping[str, list[Mapping[str, Any]]], generation: int) -> Description:
    values = {
        kind: {f"{kind}[{index}]": _values(f"{kind}[{index}]", entry, keys, generation)
               for index, entry in enumerate(entries[kind])}
        for kind, keys in KEYS[generation].items()
    }  # fmt: skip
    regions = [_region(index, path, entry) for index, (path, entry) in enumerate(values["recurrent_regions"].items())]
    inputs = [Input(entry["name"] or f"input_{index}", entry["num_units"], entry.get("sign"))
              for index, entry in enumerate(values["input_regions"].values())]  # fmt: skip
    _check_names([*values["recurrent_regions"], *values["input_regions"]], [*regions, *inputs])
    targets, sources = {region.name: region for region in regions}, {region.name: region for region in inputs}
    source_key = "src_region" if generation in (2, BETWEEN) else "input"
    return Description(
        tuple(regions),
        _connections(values["recurrent_connections"], "src_region", targets, targets),
        tuple(inputs),
        _connections(values["input_connections"], source_key, sources, targets),
    )


def _entries(content: Any) -> dict[str, list[Mapping[str, Any]]]:
    """The four lists; missing lists are empty. Raises ValueError."""
    if not isinstance(content, Mapping):
        raise ValueError(f"expected an object with the lists {', '.join(KEYS[1])}, got {came_of(content)}")
    entries = {key: value for key, value in content.items() if not str(key).startswith("__comment_")}
    _check_keys("", entries, KEYS[1])
    for kind, objects in entries.items():
        if not isinstance(objects, (list, tuple)):
            raise wrong(kind, "a list of objects", objects)
        for index, entry in enumerate(objects):
            if not isinstance(entry, Mapping):
                raise wrong(f"{kind}[{index}]", "an object", entry)
            _check_keys(f"{kind}[{index}].", entry, {**KEYS[1][kind], **KEYS[2][kind]})
    if not entries.get("recurrent_regions"):
        raise ValueError("recurrent_regions: expected at least one region, got none")
    return {kind: list(entries.get(kind, [])) for kind in KEYS[1]}


def _generation(entries: Mapping[str, list[Mapping[str, Any]]]) -> int:
    """The generation, 1, 2 or BETWEEN. Raises ValueError where there are keys of both that no version has together.

    Without a key that only one of them has it is 2, unless a sign or an omission is allowed in generation 1 only.
    """
    first, second = _only_in(1, entries), _only_in(2, entries)
    if second and _is_between(entries):
        return BETWEEN
    if first and second:
        raise ValueError(f"expected keys of one generation, got {first} of generation 1 and {second} of generation 2")
    if first or second:
        return 1 if first else 2
    signed = any("sign" in entry for entry in entries["recurrent_connections"])
    unsized = any("num_units" not in entry for entry in entries["recurrent_regions"])
    unnamed = any("name" not in entry for entry in entries["input_regions"])
    return 1 if signed or unsized or unnamed else 2


def _is_between(entries: Mapping[str, list[Mapping[str, Any]]]) -> bool:
    """Whether connections have signs and there are only keys that the versions between the generations have."""
    signed = any("sign" in entry for kind in ("recurrent_connections", "input_connections") for entry in entries[kind])
    known = all(key in keys for kind, keys in KEYS[BETWEEN].items() for entry in entries[kind] for key in entry)
    return signed and known


def _only_in(generation: int, entries: Mapping[str, list[Mapping[str, Any]]]) -> str | None:
    """The path of the first key that only this generation has, or None."""
    other = KEYS[3 - generation]
    paths = (f"{kind}[{index}].{key}" for kind, keys in KEYS[generation].items()
             for index, entry in enumerate(entries[kind])
             for key in entry if key in keys and key not in other[kind])  # fmt: skip
    return next(paths, None)


def _values(path: str, entry: Mapping[str, Any], keys: "Mapping[str, Key]", generation: int) -> dict[str, Any]:
    """The checked value of every key, or its default."""
    for name, key in keys.items():
        if key.required and name not in entry:
            raise ValueError(f"{path}.{name}: expected {key.required}{REQUIRED_BY.get(generation, '')}, got none")
    return {name: key.check(f"{path}.{name}", entry[name]) if name in entry else key.default
            for name, key in keys.items()}  # fmt: skip


def _region(index: int, path: str, entry: Mapping[str, Any]) -> Region:
    name, types = entry["name"] or f"region_{index}", entry.get("cell_types", ())
    region = Region(name, entry["num_units"], entry["base_firing"], entry["init"], types, entry.get("sign"),
                    entry.get("parent_region"), entry.get("learnable_bias", False))  # fmt: skip
    if 0 in region.type_units.values():
        came = f"{region.units} for {', '.join(region.type_units)}"
        raise ValueError(f"{path}.num_units: expected at least one unit for every cell type, got {came}")
    return region


def _check_names(paths: Iterable[str], regions: Iterable[Region | Input]) -> None:
    """Raise ValueError unless all names, of recurrent regions and inputs together, are unique."""
    first: dict[str, str] = {}
    for path, region in zip(paths, regions, strict=True):
        if region.name in first:
            came = f"{region.name!r}, the name of {first[region.name]}"
            raise ValueError(f"{path}.name: expected a unique name, got {came}")
        first[region.name] = path


def _connections(
    values: Mapping[str, dict[str, Any]], source_key: str, sources: Mapping[str, Any], targets: Mapping[str, Region]
) -> tuple[Connection, ...]:
    connections = {}
    for path, entry in values.items():
        source, target, types = entry[source_key], entry["dst_region"], []
        _check_known(f"{path}.{source_key}", source, sources, "as there are no input regions")
        _check_known(f"{path}.dst_region", target, targets)
        for key, region in (("src_region_cell_type", sources[source]), ("dst_region_cell_type", targets[target])):
            types.append(entry.get(key))
            if types[-1] is not None:
                reason = f"as {region.name} has no cell types"
                _check_known(f"{path}.{key}", types[-1], region.type_units, reason)
        sign, source_sign = entry.get("sign"), sources[source].sign
        if sign and source_sign and sign != source_sign:
            raise ValueError(f"{path}.sign: expected that of {source}, {WORDS[source_sign]}, got {WORDS[sign]}")
        sign = sign or source_sign or 1
        source_type, target_type = types
        connections[path] = Connection(source, target, source_type, target_type, sign, _sparsity(path, entry))
    _check_overlaps(connections)
    return tuple(connections.values())


def _check_known(path: str, name: str, known: Mapping[str, Any], reason: str = "") -> None:
    """Raise ValueError for an unknown name; reason: why no name is known."""
    if name not in known:
        expected = f"one of {', '.join(known)}" if known else f"no name, {reason}"
        raise ValueError(f"{path}: expected {expected}, got {name!r}{nearest(str(name), known)}")


def _sparsity(path: str, entry: Mapping[str, Any]) -> float:
    sparsity, density = entry["sparsity"], entry["density"]
    if density is None:
        return sparsity or 0.0
    if sparsity is not None:
        raise ValueError(f"{path}: expected sparsity or density = 1 - sparsity, got both ({sparsity:g}, {density:g})")
    return float(1 - Decimal(repr(density)))  # decimal: 1 - .7 is exactly .3, so that 3 of 10 edges are absent


def _check_overlaps(connections: Mapping[str, Connection]) -> None:
    """Raise ValueError for a duplicate connection, or for overlapping connections with opposite signs."""
    earlier: dict[tuple[str, str], list[tuple[str, Connection, tuple[str | None, str | None]]]] = defaultdict(list)
    for path, connection in connections.items():
        types = (connection.source_type, connection.target_type)
        for other_path, other, other_types in earlier[connection.source, connection.target]:
            if types == other_types:
                raise ValueError(f"{path}: expected every connection once, got {connection} again, as in {other_path}")
            overlap = all(None in pair or pair[0] == pair[1] for pair in zip(types, other_types, strict=True))
            if overlap and connection.sign != other.sign:
                came = f"opposite ones from {path} ({connection}) and {other_path} ({other})"
                raise ValueError(f"{path}: expected one sign for every edge, got {came}")
        earlier[connection.source, connection.target].append((path, connection, types))


def _check_keys(path: str, entry: Mapping[str, Any], known: Iterable[str]) -> None:
    for key in entry:
        if key not in known:
            raise ValueError(f"{path}{key}: unknown key, expected one of {', '.join(known)}{nearest(str(key), known)}")
