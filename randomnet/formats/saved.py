"""Networks that `Connectome.save` wrote -> the same Connectome, bit by bit: .npz, .parquet, .csv and .graphml.

Their weights are final. So no sign policy, threshold or normalization `auto` applies to them again.
"""

import csv
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from xml.parsers import expat

import numpy as np

from randomnet.connectome import Connectome
from randomnet.connectome.saving import ABOUT, AXES, LAYOUT, STATES, beside_csv
from randomnet.formats.assembly import DEFAULTS
from randomnet.formats.contents import Part, recorded
from randomnet.formats.files import FormatError, one_line
from randomnet.formats.options import Options
from randomnet.formats.record import Format
from randomnet.formats.tables import arrow
from randomnet.formats.tables.reading import Table, checksums, tables_in

SAVED = "saved"  # the name of the format
DONE = ("largest_component", "null", "edges_lost", "edges_added", "weight_jitter", "neurons_of_wrong_sign",
        "edges_of_wrong_sign", "initial_weights", "normalization", "g")  # fmt: skip  # what provenance says was done
MARK = f'<key id="{ABOUT}" for="graph"'.encode()
HEAD = 4096  # bytes of a file in which MARK stands
FINAL = "its weights are final, so that the option would have no effect"

Columns = Mapping[str, Sequence[Any]]


@dataclass(frozen=True, eq=False)
class _Parts:
    """What a file holds: its JSON text, (E,) ends as indices or names, (E,) weights, and columns of neurons."""

    about: Mapping[str, Any]
    pre: np.ndarray
    post: np.ndarray
    weights: np.ndarray
    neurons: Columns


def read_saved(path: Path, options: Options = DEFAULTS) -> Connectome:
    """The network of a saved file, as it was saved; `saved` in the provenance is what the file says of its origin.

    A note in `contents` says where the file was changed after it was saved. Raises FormatError.
    """
    names = ("roi", "rows", "sign_policy", "min_synapses")
    options.refuse(path, **dict.fromkeys(names, FINAL))
    table = tables_in(path)[0]
    if not _is_saved(table):
        raise FormatError(f"{path}: expected a network that RandomNet saved, got a file without its mark")
    parts = READERS[table.kind](table)
    described = parts.about
    if described.get("layout") != LAYOUT:
        raise FormatError(f"{path}: expected layout {LAYOUT} of saved networks, got {described.get('layout')!r}")
    connectome = _assembled(table, parts)
    changed = connectome.sha256() != described["sha256"]
    origin = described["provenance"]
    done = ", ".join(f"{name} = {origin[name]}" for name in DONE if name in origin) or "without changes"
    notes = {
        "source": f"{origin.get('source', 'a network')}, saved by RandomNet ({done})",
        "synthetic": bool(origin.get("synthetic", False)),
        "sign_policy": "as in the file",
        "files": checksums([table]),
        "saved": {**origin, "sha256": described["sha256"]},
        **({"changed_after_saving": True} if changed else {}),
        **recorded(_contents(table, connectome, changed)),
    }
    return replace(connectome, provenance=notes)


def _assembled(table: Table, parts: _Parts) -> Connectome:
    """The Connectome of the parts, with edges in its order. Raises FormatError for an unknown neuron."""
    names = np.array(parts.neurons["id"], dtype=str)
    pre, post = (_indices(table, ends, names) for ends in (parts.pre, parts.post))
    order = np.lexsort((pre, post))
    positions = None
    if all(axis in parts.neurons for axis in AXES):
        positions = np.column_stack([_numbers(parts.neurons[axis]) for axis in AXES])
    return Connectome(
        parts.about["name"],
        post[order],
        pre[order],
        parts.weights[order],
        names,
        {kind: np.array(parts.neurons[column], dtype=str) for kind, column in parts.about["labels"].items()},
        {},
        positions,
        *(_numbers(parts.neurons[name]) if name in parts.neurons else None for name in STATES),
    )


def _indices(table: Table, ends: np.ndarray, names: np.ndarray) -> np.ndarray:
    if ends.dtype.kind in "iu":
        return ends.astype(np.int64)
    order = np.argsort(names)
    places = order[np.searchsorted(names, ends, sorter=order).clip(max=len(names) - 1)]
    unknown = np.flatnonzero(names[places] != ends)
    if len(unknown):
        raise FormatError(f"{table}: expected edges between its neurons, got {one_line(ends[unknown[0]])[:40]!r}")
    return places.astype(np.int64)


def _numbers(values: Sequence[Any]) -> np.ndarray:
    """(N,) float64; nan for an unknown one."""
    return np.array([np.nan if value in (None, "") else float(value) for value in values], dtype=np.float64)


def _contents(table: Table, connectome: Connectome, changed: bool) -> list[Part]:
    optional = ("positions", *STATES)
    there = [name for name in optional if getattr(connectome, name) is not None]
    note = "the file was changed after it was saved: its checksum differs" if changed else "as saved"
    return [
        Part(f"{table}, edges", "signed weights", f"{len(connectome.weights):,}; {note}"),
        *(Part(f"{table}, {kind}", f"label {kind}") for kind in connectome.labels),
        *(Part(f"{table}, {name}", name) for name in there),
    ]


# ---- the four formats


def _npz(table: Table) -> _Parts:
    with np.load(table.path, allow_pickle=False) as archive:
        arrays = {key: archive[key] for key in archive.files}
    described = json.loads(str(arrays[ABOUT]))
    n = len(arrays["names"])
    pre = np.repeat(np.arange(n), np.diff(arrays["indptr"]))
    neurons: dict[str, Sequence[Any]] = {"id": arrays["names"].tolist()}
    neurons |= {column: arrays[column].tolist() for column in described["labels"].values()}
    if "positions" in arrays:
        neurons |= dict(zip(AXES, arrays["positions"].T.tolist(), strict=True))
    neurons |= {name: arrays[name].tolist() for name in STATES if name in arrays}
    return _Parts(described, pre, arrays["indices"], arrays["data"].astype(np.float64), neurons)


def _parquet(table: Table) -> _Parts:
    from pyarrow import parquet

    ends = ("pre", "post")
    described = json.loads(parquet.read_schema(table.path).metadata[ABOUT.encode()])
    edges = parquet.read_table(table.path, columns=[*ends, "weight"], read_dictionary=[*ends])
    names = np.array(described["neurons"]["id"], dtype=str)
    indices = []
    for end in ends:  # looked up once per neuron, as there are many more edges
        column = edges.column(end).unify_dictionaries().combine_chunks()
        known = _indices(table, np.array(column.dictionary.to_pylist(), dtype=str), names)
        indices.append(known[column.indices.to_numpy()])
    pre, post = indices
    return _Parts(described, pre, post, edges.column("weight").to_numpy(), described["neurons"])


def _csv(table: Table) -> _Parts:
    neurons_path, about_path = beside_csv(table.path)
    described = json.loads(about_path.read_text("utf-8"))[ABOUT]
    edges = _rows(table.path)
    weights = np.array(list(map(float, edges["weight"])), dtype=np.float64)
    pre, post = (np.array(edges[name], dtype=str) for name in ("pre", "post"))
    return _Parts(described, pre, post, weights, _rows(neurons_path))


def _rows(path: Path) -> dict[str, Sequence[str]]:
    """Column -> cells of a CSV. Raises FormatError for rows of different lengths."""
    with open(path, encoding="utf-8-sig", newline="") as text:
        header, *rows = csv.reader(text)
    rows = [row for row in rows if row]
    uneven = next((number for number, row in enumerate(rows, 2) if len(row) != len(header)), 0)
    if uneven:
        raise FormatError(f"{path}, row {uneven}: expected {len(header)} cells, got {len(rows[uneven - 2])}")
    return dict(zip(header, zip(*rows, strict=True), strict=True)) if rows else {name: () for name in header}


def _graphml(table: Table) -> _Parts:
    reader = _GraphML(table)
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = reader.refuse
    try:
        with table.open() as file:
            parser.ParseFile(file)
    except expat.ExpatError as error:
        raise FormatError(f"{table}: expected XML, got one that is not: {one_line(error)}") from None
    neurons = {"id": reader.names} | {name: [row.get(name, "") for row in reader.nodes] for name in reader.of_nodes}
    weights = np.array(list(map(float, reader.weights)), dtype=np.float64)
    pre, post = (np.array(names, dtype=str) for names in (reader.sources, reader.targets))
    return _Parts(json.loads(reader.about), pre, post, weights, neurons)


class _GraphML:
    """Collects nodes, edges and their data from the events of an XML parser."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.about, self.keys, self.of_nodes = "", dict[str, str](), list[str]()
        self.names, self.nodes = list[str](), list[dict[str, str]]()
        self.sources, self.targets, self.weights = list[str](), list[str](), list[str]()
        self.element, self.key, self.data = "", "", ""

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""
        kind = name.rsplit(" ", 1)[-1]
        if kind == "key":
            self.keys[attributes["id"]] = attributes["attr.name"]
            self.of_nodes += [attributes["attr.name"]] * (attributes.get("for") == "node")
        elif kind == "data":
            self.key, self.data = attributes["key"], ""
        elif kind == "node":
            self.names.append(attributes["id"])
            self.nodes.append({})
        elif kind == "edge":
            self.sources.append(attributes["source"])
            self.targets.append(attributes["target"])
        if kind != "data":
            self.element = kind

    def text(self, text: str) -> None:
        """A piece of text."""
        self.data += text

    def end(self, name: str) -> None:
        """An element ends."""
        if name.rsplit(" ", 1)[-1] != "data":
            return
        if self.element == "node":
            self.nodes[-1][self.keys[self.key]] = self.data
        elif self.element == "edge" and self.key == "weight":
            self.weights.append(self.data)
        elif self.key == ABOUT:
            self.about = self.data

    def refuse(self, *_: Any) -> None:
        """A document type, which may declare entities."""
        raise FormatError(f"{self.table}: expected GraphML without a document type, got a DOCTYPE, which is refused")


READERS: dict[str, Callable[[Table], _Parts]] = {"npz": _npz, "parquet": _parquet, "csv": _csv, "xml": _graphml}


# ---- recognition


def _is_saved(table: Table) -> bool:
    """Whether the file has the mark of a saved network."""
    if table.member or table.kind not in READERS:
        return False
    if table.kind == "npz":
        with zipfile.ZipFile(table.path) as archive:
            return f"{ABOUT}.npy" in archive.namelist()
    if table.kind == "parquet":
        if not arrow.installed():
            return False
        from pyarrow import parquet

        return ABOUT.encode() in (parquet.read_schema(table.path).metadata or {})
    if table.kind == "xml":
        with table.open() as file:
            return MARK in file.read(HEAD)
    return all(path.is_file() for path in beside_csv(table.path)) and _has_mark(beside_csv(table.path)[1])


def _has_mark(path: Path) -> bool:
    """Whether a file starts as the JSON file beside a saved .csv does."""
    with open(path, "rb") as file:
        return file.read(len(ABOUT) + 3) == f'{{"{ABOUT}"'.encode()


def in_saved_file(path: Path, tables: list[Table]) -> str:
    """A phrase for a file that RandomNet saved, "" for others."""
    if len(tables) != 1 or path.is_dir():
        return ""
    try:
        return "a network that RandomNet saved, with final weights" if _is_saved(tables[0]) else ""
    except (OSError, ValueError, zipfile.BadZipFile):  # a damaged file, which another format explains
        return ""


SAVED_NETWORK = Format(
    read_saved,
    "a network that RandomNet saved (--describe --save)",
    in_tables=in_saved_file,
    signs="the signs of the weights",
    needs="pyarrow, for parquet",
)
