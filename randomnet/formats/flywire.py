"""FlyWire Codex tables -> Connectome (Dorkenwald et al. 2024; Schlegel et al. 2024).

Tables are recognised by their headers, not by file names:
connections `pre_root_id,post_root_id,neuropil,syn_count,nt_type`, one row per pair and neuropil, which are summed;
neurons `root_id,group,nt_type,...`; classification `root_id,...,super_class,class,...,side`;
consolidated_cell_types `root_id,primary_type`; coordinates `root_id,position`.
The spelling `pre_pt_root_id` of Zenodo 10676866 is read too, and the table of flywire_annotations (Supplemental_file1,
TSV, with `root_id,super_class,cell_class,cell_type,top_nt,side`) as the neurons.
"""

import dataclasses
import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from randomnet.connectome import Connectome
from randomnet.formats.assembly import DEFAULTS, LARGEST, Columns, Rows, from_edges, read_rows
from randomnet.formats.contents import Part, recorded
from randomnet.formats.edges.columns import tells_role
from randomnet.formats.files import FormatError
from randomnet.formats.neurons.tables import tells_signs
from randomnet.formats.options import Options
from randomnet.formats.record import Format
from randomnet.formats.signs import LABEL, UNKNOWN, transmitter_names, within_rois
from randomnet.formats.tables.lookup import (
    Tables,
    file_of,
    find_tables,
    neuron_ids,
    numbers_of,
    parts_of_tables,
    places_of,
    texts_of,
)
from randomnet.formats.tables.reading import NUMBER, Table, checksums, names_of, stream

CODEX = Columns("pre_root_id", "post_root_id", "syn_count", roi="neuropil")
ZENODO = Columns("pre_pt_root_id", "post_pt_root_id", "syn_count", roi="neuropil")
# label -> columns that may have it, the best first
LABELS = {
    "type": ("primary_type", "cell_type"),
    "class": ("class", "cell_class"),
    "super_class": ("super_class",),
    "side": ("side",),
}
TRANSMITTERS = ("nt_type", "top_nt")  # columns of the neurons, the best first
AVERAGES = {
    "da_avg": "dopamine",
    "ser_avg": "serotonin",
    "gaba_avg": "gaba",
    "glut_avg": "glutamate",
    "ach_avg": "acetylcholine",
    "oct_avg": "octopamine",
}
MISSING = "a table of neurons with columns root_id, nt_type (neurons.csv.gz) or nt_type in the connections, got neither"


def is_connections(table: Table) -> bool:
    """Whether the table has synapse counts per pair and neuropil."""
    return any(table.has(spelling.pre, spelling.post, spelling.weight) for spelling in (CODEX, ZENODO))


def columns_of(connections: Table) -> Columns:
    """The columns of a table of connections."""
    return CODEX if connections.has(CODEX.pre, CODEX.post, CODEX.weight) else ZENODO


def is_classification(table: Table) -> bool:
    """Whether the table has neurons with their classes."""
    return table.has("root_id", "super_class")


def is_coordinates(table: Table) -> bool:
    """Whether the table has positions of neurons, in one or several rows each; False for `labels.csv`."""
    return table.has("root_id", "position") and not table.has("label")


def read_flywire(path: Path, options: Options = DEFAULTS) -> Connectome:
    """The Connectome of neurons and their synapse counts, of the whole brain or inside the neuropils `options.roi`.

    With neuropils, neurons without a connection in them are dropped, and the threshold applies to pairs within them.
    `smallest_pair` in the provenance shows whether the file is thresholded (5) or not (1). Without a table of neurons,
    a neuron's transmitter is that of most of its synapses. Raises FormatError.
    """
    options.refuse(path, rows="the columns say which neuron is presynaptic")
    tables = find_tables(path)
    edges = tables.exactly_one(is_connections, "connections", (CODEX.pre, CODEX.post, CODEX.roi, CODEX.weight))
    columns = columns_of(edges)
    if options.rois and not edges.has(columns.roi):
        raise FormatError(f"{edges}: expected a column {columns.roi} to choose {options.roi!r}, got none")
    neurons = _neurons(tables)
    rows = read_rows(edges, columns, options.rois)
    listed = neurons or tables.at_most_one(is_classification, "classification")
    ids = neuron_ids(listed, "root_id") if listed else np.union1d(rows.pre, rows.post)
    label_tables, coordinates = _label_tables(tables), tables.at_most_one(is_coordinates, "coordinates")
    parts = _parts(tables, edges, [listed, neurons], label_tables, coordinates, options)
    connectome = from_edges(
        f"{_stem(path)} {options.roi}".strip(),
        rows.pre,
        rows.post,
        rows.weights,
        ids,
        labels=_labels(label_tables, neurons, edges, ids),
        provenance=_provenance(edges, [neurons, coordinates], label_tables, rows, options) | recorded(parts),
        options=options,
        where=rows.where,
        listed_in=listed,
        file=edges,
    )
    if coordinates:
        connectome = dataclasses.replace(connectome, positions=_positions(coordinates, ids))
    probabilities = _averages(neurons, ids) if options.sign_policy == "expected" else {}
    return within_rois(connectome, options, probabilities, MISSING)


def _has_neurons_with(column: str, table: Table) -> bool:
    return table.has("root_id", column)


def _neurons(tables: Tables) -> Table | None:
    """The table of neurons, or None; that of Codex is preferred to that of the annotations."""
    candidates = (
        tables.at_most_one(partial(_has_neurons_with, column), "neurons") for column in TRANSMITTERS
    )
    return next((table for table in candidates if table), None)


def _label_tables(tables: Tables) -> dict[str, tuple[Table, str]]:
    """Label -> its table and column, by the best spelling; tables of Codex are preferred."""
    label_tables = {}
    for label, columns in LABELS.items():
        for column in columns:
            candidates = tables.find(partial(_has_neurons_with, column))
            if candidates:
                label_tables[label] = min(candidates, key=_rank), column
                break
    return label_tables


def _rank(table: Table) -> int:
    """0 for classification and types of Codex, 1 for the annotations, 2 for other tables."""
    return 0 if table.has("class") or table.has("primary_type") else 1 if table.has("cell_class") else 2


def _labels(
    label_tables: dict[str, tuple[Table, str]], neurons: Table | None, edges: Table, ids: np.ndarray
) -> dict[str, np.ndarray]:
    labels = {
        label: texts_of(table, "root_id", column, ids, UNKNOWN) for label, (table, column) in label_tables.items()
    }
    if neurons:
        column = next(column for column in TRANSMITTERS if neurons.has(column))
        labels[LABEL] = transmitter_names(texts_of(neurons, "root_id", column, ids, ""))
    elif edges.has("nt_type"):
        labels[LABEL] = transmitter_names(_most_common(edges, ids))
    return labels


def _columns(edges: Table) -> Columns:
    columns = columns_of(edges)
    assert columns is not None, f"{edges} was chosen by its columns"
    return columns


def _most_common(edges: Table, ids: np.ndarray) -> np.ndarray:
    """(N,) the nt_type of most outgoing synapses of each neuron in the whole table, which is read again."""
    columns = columns_of(edges)
    names: list[str] = []
    order = np.argsort(ids)
    synapses = np.zeros((len(ids), 0))
    for chunk in stream(edges, {columns.pre: "id", columns.weight: "count", "nt_type": "category"}):
        types = chunk["nt_type"]
        names += [name for name in types.categories if name not in names]
        synapses = np.pad(synapses, ((0, 0), (0, len(names) - synapses.shape[1])))
        pre, known = places_of(chunk[columns.pre], ids, order)  # with ROIs, some neurons are not in ids
        code = np.array([names.index(name) for name in types.categories], dtype=np.int64)[types.codes]
        key = pre[known] * len(names) + code[known]
        counts = np.bincount(key, chunk[columns.weight][known], minlength=synapses.size)
        synapses += counts.reshape(synapses.shape)
    best = np.array(names, dtype=str)[synapses.argmax(1)]
    return np.where(synapses.any(1), best, "")


def _positions(table: Table, ids: np.ndarray) -> np.ndarray:
    """(N, 3) the mean position of each neuron over its rows, texts such as [397224 171424 3540]; nan without rows."""
    order, sums, counts, row = np.argsort(ids), np.zeros((len(ids), 3)), np.zeros(len(ids)), 2
    for chunk in stream(table, {"root_id": "id", "position": "text"}):
        cells = [text.strip("[] ").replace(",", " ").split() for text in chunk["position"].tolist()]
        for number, cell in enumerate(cells, row):
            if len(cell) != 3 or not all(map(_is_coordinate, cell)):
                actual = f"{' '.join(cell)[:40]!r}"
                raise FormatError(f"{table}, row {number}, column position: expected [x y z], got {actual}")
        place, known = places_of(chunk["root_id"], ids, order)
        np.add.at(sums, place[known], np.array(cells, dtype=np.float64).reshape(-1, 3)[known])
        counts += np.bincount(place[known], minlength=len(ids))
        row += len(cells)
    counts = counts[:, None]
    return np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)


def _is_coordinate(cell: str) -> bool:
    return re.fullmatch(NUMBER, cell) is not None and abs(float(cell)) <= LARGEST


def _averages(neurons: Table | None, ids: np.ndarray) -> dict[str, np.ndarray]:
    """Transmitter -> (N,) mean probability, from columns such as da_avg."""
    columns = [column for column in AVERAGES if neurons and neurons.has(column)]
    if not neurons or not columns:
        return {}
    return {AVERAGES[column]: values for column, values in numbers_of(neurons, "root_id", columns, ids).items()}


def _parts(
    tables: Tables,
    edges: Table,
    neurons: list[Table | None],
    label_tables: dict[str, tuple[Table, str]],
    coordinates: Table | None,
    options: Options,
) -> list[Part]:
    """What is used of the tables. neurons: the table that lists them, and that of their transmitters."""
    columns, of_neurons = columns_of(edges), neurons[1]
    uses = {edges: {columns.pre: "presynaptic neuron", columns.post: "postsynaptic neuron", columns.weight: "weight"}}
    notes: dict[Table, dict[str, str]] = {edges: {}}
    if edges.has(columns.roi):
        uses[edges][columns.roi] = "region of the synapses"
        notes[edges][columns.roi] = f"only {options.roi}" if options.rois else "summed over"
    for table in filter(None, [*neurons, coordinates, *(table for table, _ in label_tables.values())]):
        uses.setdefault(table, {"root_id": "neuron"})
        notes.setdefault(table, {})
    for label, (table, column) in label_tables.items():
        uses[table][column] = f"label {label}"
    if coordinates:
        uses[coordinates]["position"] = "position"
    if of_neurons:
        is_expected = options.sign_policy == "expected"
        known = [name for name in TRANSMITTERS if of_neurons.has(name)]
        uses[of_neurons][known[0]] = "transmitter of the neuron"
        averages = [name for name in AVERAGES if of_neurons.has(name)]
        uses[of_neurons] |= dict.fromkeys(averages, "probability of a transmitter") if is_expected else {}
        notes[of_neurons] |= {} if is_expected else dict.fromkeys(averages, "sign_policy = expected reads it")
    if edges.has("nt_type") and of_neurons:
        notes[edges]["nt_type"] = f"that of {file_of(of_neurons)} is used"
    elif edges.has("nt_type"):
        uses[edges]["nt_type"], notes[edges]["nt_type"] = "transmitter of the neuron", "that of most of its synapses"
    return parts_of_tables(tables, uses, notes)


def _stem(path: Path) -> str:
    return path.name.removesuffix(".gz").removesuffix(".csv") or "flywire"


def _provenance(
    edges: Table,
    others: list[Table | None],
    label_tables: dict[str, tuple[Table, str]],
    rows: Rows,
    options: Options,
) -> dict[str, Any]:
    tables = [edges, *(table for table in others if table), *(table for table, _ in label_tables.values())]
    return {
        "source": "FlyWire Codex tables",
        "synthetic": False,
        "roi": ", ".join(options.rois),
        "connections": file_of(edges),
        "rows_read": rows.read,
        "labels_from": {label: f"{file_of(table)}, column {column}" for label, (table, column) in label_tables.items()},
        "files": checksums(tables),
    }


def in_flywire_tables(path: Path, tables: list[Table]) -> str:
    """A phrase for tables of FlyWire Codex, "" for others."""
    connections = [table for table in tables if is_connections(table)]
    if not connections or _tell_more(tables, connections):
        return ""
    return f"FlyWire Codex tables, connections in {names_of(connections)}"


def _tell_more(tables: list[Table], connections: list[Table]) -> bool:
    """Whether rows or neurons tell signs, kinds of synapses or transmitters that only an edge list can use."""
    neurons = [table for table in tables if table.has("root_id")]
    have_transmitters = any(table.has(column) for column in TRANSMITTERS for table in neurons)
    have_transmitters |= any(table.has("nt_type") for table in connections)
    roles = ("sign", "synapse_type", *(() if have_transmitters else ("transmitter",)))
    tell = any(tells_role(role, table) for role in roles for table in connections)
    return tell or (not have_transmitters and any(map(tells_signs, neurons)))


FLYWIRE = Format(
    read_flywire,
    "FlyWire Codex tables (pre_root_id, post_root_id, syn_count)",
    in_tables=in_flywire_tables,
    roi="neuropils joined by commas, or all",
    has_rois=True,
    has_counts=True,
    signs="predicted transmitters",
    source="Dorkenwald et al. 2024; Schlegel et al. 2024",
)
