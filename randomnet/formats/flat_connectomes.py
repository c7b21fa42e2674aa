"""Connectomes published as flat files: a table of neurons, a table of edges, and maybe one of transmitters.

A row of DATASETS per connectome says by which columns its tables are recognised, which rows of the neurons are
neurons, and what the columns are used as. Files are feather, parquet or CSV, in one folder, of any name. Edges of other
bodies are dropped and counted.

| dataset  | neurons                                    | edges                 | transmitters                     |
|----------|--------------------------------------------|-----------------------|----------------------------------|
| male CNS | bodyId; those with a superclass            | body_pre, body_post   | a table with body, consensus_nt  |
| BANC     | banc_888_id; proofread, not glia, trachea  | pre, post, count      | a column of the neurons          |
| MANC     | manc_121_id; not glia                      | pre, post, count      | a column of the neurons          |
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from randomnet.connectome import Connectome
from randomnet.formats.assembly import DEFAULTS, Columns, assemble
from randomnet.formats.contents import Part, recorded, unused
from randomnet.formats.files import FormatError
from randomnet.formats.neuron_edges import NeuronEdges, edges_between
from randomnet.formats.neurons.columns import PROPERTIES, first_texts
from randomnet.formats.options import Options
from randomnet.formats.record import Format
from randomnet.formats.signs import LABEL, transmitter_names, with_signs
from randomnet.formats.spellings import TRUTH_WORDS
from randomnet.formats.tables import arrow, record_batches
from randomnet.formats.tables.lookup import Tables, column_parts, file_of, find_tables, texts_of
from randomnet.formats.tables.reading import Table, checksums, names_of, read_all

TRUE = [word for word, truth in TRUTH_WORDS.items() if truth > 0]
BANC_LABELS = {
    "type": ("cell_type",),
    "class": ("cell_class",),
    "sub_class": ("cell_sub_class",),
    "super_class": ("super_class",),
    "side": ("side",),
    "hemilineage": ("hemilineage",),
    "region": ("region",),
}


@dataclass(frozen=True)
class Dataset:
    """One connectome of flat files.

    title: its name. ids: pattern of the neurons' column of ids. super_class: their column of super-classes.
    edges: columns of the edges. labels: kind -> columns, of which each neuron's label is the first that is not empty.
    transmitters: columns, of which the first one is used; body: the column of ids of a table of its own that has them,
    "" for columns of the neurons. not_neurons: super-classes of bodies that are no neurons, "" for those without one.
    proofread: columns of which one has to be true. others: columns that edges of other datasets have.
    """

    title: str
    ids: str
    super_class: str
    edges: Columns
    labels: Mapping[str, tuple[str, ...]]
    transmitters: tuple[str, ...]
    body: str = ""
    not_neurons: tuple[str, ...] = ()
    proofread: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    def id_column(self, table: Table) -> str:
        """The table's column of ids, or ""."""
        return next((name for name in table.columns if re.fullmatch(self.ids, name)), "")

    def is_neurons(self, table: Table) -> bool:
        """Whether the table has the neurons."""
        return bool(self.id_column(table)) and table.has(self.super_class, *self.proofread)

    def is_edges(self, table: Table) -> bool:
        """Whether the table has the edges."""
        return table.has(self.edges.pre, self.edges.post, self.edges.weight) and not any(map(table.has, self.others))

    def is_transmitters(self, table: Table) -> bool:
        """Whether the table has transmitters only."""
        return bool(self.body) and table.has(self.body) and any(map(table.has, self.transmitters))


DATASETS: Mapping[str, Dataset] = {
    "malecns": Dataset(
        "male CNS",
        ids="bodyId",
        super_class="superclass",
        edges=Columns("body_pre", "body_post", "weight"),
        labels={"type": ("type",), "instance": ("instance",), **PROPERTIES},
        transmitters=("consensus_nt", "celltype_predicted_nt", "predicted_nt"),
        body="body",
        not_neurons=("",),
    ),
    "banc": Dataset(
        "BANC",
        ids=r"banc_\d+_id",
        super_class="super_class",
        edges=Columns("pre", "post", "count"),
        labels=BANC_LABELS,
        transmitters=("neurotransmitter_predicted",),
        not_neurons=("glia", "trachea", "not_a_neuron"),
        proofread=("proofread", "roughly_proofread"),
        others=("total_input",),
    ),
    "manc": Dataset(
        "MANC",
        ids=r"manc_\d+_id",
        super_class="super_class",
        edges=Columns("pre", "post", "count"),
        labels=BANC_LABELS,
        transmitters=("neurotransmitter_predicted",),
        not_neurons=("glia", "trachea", "not_a_neuron"),
        others=("pre_count", "post_count"),
    ),
}


@dataclass(frozen=True, eq=False)
class Neurons:
    """The neurons of a table.

    ids: (N,) int64. labels: kind -> (N,) texts. others: why rows are no neurons -> how many. parts: what was used.
    """

    ids: np.ndarray
    labels: Mapping[str, np.ndarray]
    others: Mapping[str, int]
    parts: list[Part]


def read_flat(name: str, path: Path, options: Options = DEFAULTS) -> Connectome:
    """The Connectome of a dataset in DATASETS: its neurons and the edges between them. Raises FormatError."""
    dataset = DATASETS[name]
    _refuse(dataset, path, options)
    tables = find_tables(path)
    table = tables.exactly_one(dataset.is_neurons, f"neurons of {dataset.title}", (dataset.ids, dataset.super_class))
    wanted = (dataset.edges.pre, dataset.edges.post, dataset.edges.weight)
    edge_table = tables.exactly_one(dataset.is_edges, f"edges of {dataset.title}", wanted)
    separate = tables.at_most_one(dataset.is_transmitters, "transmitters")
    neurons = _neurons(dataset, table)
    if separate:
        neurons = _with_transmitters(dataset, neurons, separate)
    edges = edges_between(edge_table, dataset.edges, neurons.ids)
    used = [edge_table, table, *([separate] if separate else [])]
    notes = {
        "source": f"flat files of {dataset.title}",
        "synthetic": False,
        "connections": file_of(edge_table),
        "rows_read": edges.rows,
        "rows_of_other_bodies_dropped": edges.rows_dropped,
        "synapses_of_other_bodies_dropped": edges.synapses_dropped,
        "no_neurons": neurons.others,
        "files": checksums(used),
        **recorded([*neurons.parts, *_parts_of_edges(dataset, edge_table, edges)]),
    }
    names = neurons.ids.astype(str)
    pre, post, weights = edges.pre, edges.post, edges.weights
    del edges
    connectome = assemble(dataset.title, names, pre, post, weights, neurons.labels, notes, options, edge_table)
    return with_signs(connectome, options.sign_policy, missing=_missing(dataset))


def _refuse(dataset: Dataset, path: Path, options: Options) -> None:
    """Raise FormatError for options that the flat files have no use for."""
    if options.rois:
        kinds = ", ".join(kind for kind in ("region", "neuromere") if kind in dataset.labels)
        advice = f"neurons have labels {kinds}, for regions_from"
        raise FormatError(
            f"{path}: expected roi = all, as the edges of {dataset.title} have no ROI ({advice}), got {options.roi!r}"
        )
    options.refuse(path, rows="the columns say which neuron is presynaptic")


def _missing(dataset: Dataset) -> str:
    place = f"a table with columns {dataset.body}," if dataset.body else "a table of neurons with a column"
    return f"{place} {dataset.transmitters[0]}, got none"


# ---- neurons


def _neurons(dataset: Dataset, table: Table) -> Neurons:
    """The rows of a table that are neurons, with their labels. Raises FormatError for a wrong or repeated id."""
    id_column = dataset.id_column(table)
    sources = {kind: [name for name in names if table.has(name)] for kind, names in dataset.labels.items()}
    uses = {id_column: "neuron", **{name: f"label {kind}" for kind, names in sources.items() for name in names}}
    uses |= {name: "which rows are neurons" for name in dataset.proofread}
    transmitter = next((name for name in dataset.transmitters if table.has(name)), "") if not dataset.body else ""
    uses |= {transmitter: "transmitter of the neuron"} if transmitter else {}
    cells = _texts(table, list(dict.fromkeys([*uses, dataset.super_class])))
    is_neuron, others = _selected(dataset, cells)
    if not is_neuron.any():
        raise FormatError(f"{table}: expected a neuron of {dataset.title}, got none among {len(is_neuron)} rows")
    ids = _ids(table, id_column, cells[id_column], is_neuron)
    columns = {kind: [cells[name][is_neuron] for name in names] for kind, names in sources.items() if names}
    labels = {kind: first_texts(kind, texts) for kind, texts in columns.items()}
    if transmitter:
        labels[LABEL] = transmitter_names(cells[transmitter][is_neuron].astype(str))
    rows = Part(_rows(table, len(ids)), "neurons", f"of {len(is_neuron):,}")
    left = [unused(_rows(table, count), f"no neurons: {why}") for why, count in others.items()]
    return Neurons(ids, labels, others, [rows, *left, *column_parts(table, uses)])


def _texts(table: Table, columns: list[str]) -> dict[str, np.ndarray]:
    """Column -> (rows,) texts, "" for empty cells."""
    if table.kind in arrow.KINDS:
        return record_batches.texts(table.path, table.kind, columns)
    return read_all(table, dict.fromkeys(columns, "text"))


def _selected(dataset: Dataset, cells: Mapping[str, np.ndarray]) -> tuple[np.ndarray, dict[str, int]]:
    """(rows,) whether each row is a neuron, and why -> how many of the other rows are none."""
    super_class = np.char.strip(cells[dataset.super_class].astype(str))
    reasons = {f"{dataset.super_class} is {name or 'empty'}": super_class == name for name in dataset.not_neurons}
    if dataset.proofread:
        flags = [np.isin(np.char.lower(cells[name].astype(str)), TRUE) for name in dataset.proofread]
        reasons[f"not {' or '.join(dataset.proofread)}"] = ~np.any(flags, axis=0)
    is_neuron, others = np.ones(len(super_class), bool), {}
    for why, excluded in reasons.items():
        others[why] = int((is_neuron & excluded).sum())
        is_neuron &= ~excluded
    return is_neuron, {why: count for why, count in others.items() if count}


def _ids(table: Table, column: str, cells: np.ndarray, is_neuron: np.ndarray) -> np.ndarray:
    """(N,) int64 ids of the neurons. Raises FormatError for a wrong or repeated id."""
    rows = np.flatnonzero(is_neuron)
    ids = np.zeros(len(rows), np.int64)
    for index, cell in enumerate(cells[rows].tolist()):
        try:
            ids[index] = int(cell)
        except (ValueError, OverflowError):
            place = f"{table}, row {rows[index] + 2}, column {column}"
            raise FormatError(f"{place}: expected an id as a whole number of 64 bits, got {cell!r}") from None
    order = np.argsort(ids, kind="stable")
    repeated = np.flatnonzero(np.diff(ids[order]) == 0)
    if len(repeated):
        first, second = rows[order[repeated[0]]] + 2, rows[order[repeated[0] + 1]] + 2
        actual = f"{ids[order[repeated[0]]]} twice, first in row {first}"
        raise FormatError(f"{table}, row {second}, column {column}: expected different ids, got {actual}")
    return ids


def _with_transmitters(dataset: Dataset, neurons: Neurons, table: Table) -> Neurons:
    """The neurons with the transmitters of a table of its own."""
    column = next(name for name in dataset.transmitters if table.has(name))
    texts = texts_of(table, dataset.body, column, neurons.ids, "")
    labels = {**neurons.labels, LABEL: transmitter_names(texts)}
    uses = {dataset.body: "neuron", column: "transmitter of the neuron"}
    without = int((texts == "").sum())
    note = {column: f"{without:,} of {len(texts):,} neurons have none" if without else ""}
    return replace(neurons, labels=labels, parts=[*neurons.parts, *column_parts(table, uses, note)])


# ---- what was used and left


def _rows(table: Table, number: int) -> str:
    return f"{file_of(table)}, {number:,} row{'' if number == 1 else 's'}"


def _parts_of_edges(dataset: Dataset, table: Table, edges: NeuronEdges) -> list[Part]:
    columns = dataset.edges
    uses = {columns.pre: "presynaptic neuron", columns.post: "postsynaptic neuron", columns.weight: "weight"}
    rows = Part(_rows(table, len(edges.weights)), "edges", f"of {edges.rows:,}")
    why = f"an end is no neuron of {dataset.title}: {edges.synapses_dropped:,} of {edges.synapses:,} synapses"
    dropped = [unused(_rows(table, edges.rows_dropped), why)] if edges.rows_dropped else []
    return [rows, *dropped, *column_parts(table, uses)]


# ---- rows of the registry


def in_flat_tables(name: str, path: Path, tables: list[Table]) -> str:
    """A phrase where both the neurons and the edges of a dataset are at a path or beside it, "" for others."""
    dataset = DATASETS[name]
    if not any(dataset.is_neurons(table) or dataset.is_edges(table) for table in tables):
        return ""
    known = find_tables(path)
    neurons, edges = known.find(dataset.is_neurons), known.find(dataset.is_edges)
    return f"{dataset.title}, {_phrase(dataset, known, neurons, edges)}" if neurons and edges else ""


def _phrase(dataset: Dataset, tables: Tables, neurons: list[Table], edges: list[Table]) -> str:
    transmitters = tables.find(dataset.is_transmitters)
    third = f", transmitters in {names_of(transmitters)}" if transmitters else ""
    return f"neurons in {names_of(neurons)}, edges in {names_of(edges)}{third}"


def _format(name: str, content: str, source: str) -> Format:
    return Format(
        partial(read_flat, name),
        content,
        in_tables=partial(in_flat_tables, name),
        roi="all; the edges have no ROI",
        has_rois=True,
        has_counts=True,
        signs="predicted transmitters",
        needs="pyarrow, for parquet and feather",
        source=source,
    )


MALECNS = _format(
    "malecns", "flat files of male CNS (bodyId, superclass; body_pre, body_post, weight)", "Berg et al. 2026"
)
BANC = _format("banc", "flat files of BANC (banc_888_id, proofread; pre, post, count)", "Bates et al. 2026")
MANC = _format("manc", "flat files of MANC (manc_121_id; pre, post, count)", "Takemura et al. 2024; Marin et al. 2024")
