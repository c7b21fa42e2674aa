"""Lists of edges -> Connectome: tables with a column per end of an edge, and what else a row may tell.

Columns are recognised by their spellings (EDGE_ROLES), named by `[net] columns`, or without a header by their position.
Ids are whole numbers or names. Rows without a weight are counted per pair. Signs, types of synapses, directions,
transmitters, labels and ROIs of rows are used. A table of neurons with the same ids in the folder or archive, beside
the file, or named by `[net] labels`, has further labels, transmitters, signs and positions.
"""

from contextlib import nullcontext
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from randomnet.connectome import Connectome, subset
from randomnet.formats.assembly import DEFAULTS
from randomnet.formats.contents import Part, unused
from randomnet.formats.edges.columns import (
    EdgeColumns,
    edge_columns,
    edges_without_header,
    has_edges,
    is_named,
    listed_columns,
)
from randomnet.formats.edges.rows import EdgeList, read_edges
from randomnet.formats.files import FormatError
from randomnet.formats.interpretation import Neurons, interpreted
from randomnet.formats.neurons.labels import label_table, of_labels
from randomnet.formats.neurons.tables import (
    ENOUGH,
    MOST_FILES,
    has_properties,
    id_columns,
    ids_of,
    misspelled_id,
    neurons_in,
    repeated_id,
    tells_signs,
)
from randomnet.formats.options import Options
from randomnet.formats.record import Format
from randomnet.formats.signs import LABEL
from randomnet.formats.tables.reading import Table, beside, checksums, names_of, shown, tables_in

MISSING = (
    "transmitters: a column of the edges such as nt_type, or a table of neurons with one; or else use auto or none"
)
ARRAYS = ("npy", "npz", "mat", "mat73", "hdf5")
LEAST_CELLS = 3  # per row of edges without a header that lie beside other files
NAMED = "as [net] labels says"
MOST_LISTED = 12  # files in the contents


class _NeuronTable(NamedTuple):
    """A table of neurons. lists: whether neurons without edges in it are neurons of the network. why: it is used."""

    table: Table
    lists: bool
    why: str


def read_edge_list(path: Path, options: Options = DEFAULTS) -> Connectome:
    """The Connectome of a list of edges; its neurons are all ids of the edges, and of a table of neurons, sorted.

    Under sign_policy `auto`, signs of edges (a column, or negative weights) come before signs of neurons, and these
    before transmitters. Raises FormatError.
    """
    options.refuse(path, rows="the columns say which neuron is presynaptic")
    tables = tables_in(path, options.variable)
    table = _edge_table(path, tables, options)
    if options.variable and not table.is_sheet:
        raise FormatError(f"{table}: expected no variable, as the file has no sheets, got {options.variable!r}")
    columns = edge_columns(table, options)
    edges = read_edges(table, columns, options)
    others = [other for other in tables if other is not table]
    neuron_table, left = _neuron_table(path, table, others, edges, options)
    edges, neurons, parts = _with_neurons(edges, neuron_table)
    connectome = interpreted(
        path.name.split(".")[0] or "edges",
        edges.rows,
        neurons,
        options,
        _provenance(table, neuron_table, edges, options),
        [*table.parts, *_named_edges(table, columns), *edges.parts, *parts, *left],
        table,
        MISSING,
    )
    return _within_rois(connectome, options)


def _edge_table(path: Path, tables: list[Table], options: Options) -> Table:
    """The only edge list at a path. Raises FormatError where there are none or several."""
    lists = _edge_tables(tables, options)
    if len(lists) == 1 or (len(tables) == 1 and tables[0].columns):
        return (lists or tables)[0]
    if len(lists) > 1:
        actual = f"{len(lists)}: {names_of(lists)}; name one file"
    else:
        actual = (tables[0].kind or "no table") if len(tables) == 1 else f"none in {len(tables)} files"
    raise FormatError(f"{path}: expected one edge list with columns pre, post, weight, got {actual}")


def _edge_tables(tables: list[Table], options: Options = DEFAULTS) -> list[Table]:
    """The tables of edges: those with named or spelled columns, or else the ones without a header.

    Beside other files, pairs without a header may be labels of neurons, and texts beside arrays are.
    """
    headed = [table for table in tables if is_named(table, options) or has_edges(table)]
    least = 1 if len(tables) == 1 else LEAST_CELLS
    rows = [table for table in tables if len(table.columns) >= least and edges_without_header(table)]
    return headed or ([] if any(table.kind in ARRAYS for table in tables) else rows)


def _provenance(table: Table, neuron_table: _NeuronTable | None, edges: EdgeList, options: Options) -> dict[str, Any]:
    used = [table, neuron_table.table] if neuron_table else [table]
    notes = {"source": "edge list", "synthetic": False, "rows_read": edges.read, "files": checksums(used)}
    return {**notes, "roi": ", ".join(options.rois)} if options.rois else notes


def _named_edges(table: Table, columns: EdgeColumns) -> list[Part]:
    """What was assumed of the columns of a table without a header."""
    if table.headed:
        return []
    pre, post = (table.first[table.columns.index(columns.roles[role])] for role in ("pre", "post"))
    roles = ", ".join(role for role in ("pre", "post", "weight") if role in columns.roles)
    return [
        Part(
            f"{table.name}, rows without a header", f"{roles} by position", f"the first is an edge from {pre} to {post}"
        )
    ]


def _within_rois(connectome: Connectome, options: Options) -> Connectome:
    """The connectome; with ROIs, neurons without an edge in them are dropped and counted."""
    if not options.rois:
        return connectome
    is_connected = np.zeros(connectome.n, bool)
    is_connected[connectome.post] = is_connected[connectome.pre] = True
    return subset(connectome, is_connected, neurons_without_edges_dropped=int((~is_connected).sum()))


# ---- neurons


def _neuron_table(
    path: Path, table: Table, others: list[Table], edges: EdgeList, options: Options
) -> tuple[_NeuronTable | None, list[Part]]:
    """The table of neurons to use, and the tables that are left out. Raises FormatError where several may be it."""
    if options.labels:
        named = _NeuronTable(label_table(options.labels), False, NAMED)
        return named, _left_out(others, "[net] labels names another table")
    if not others:
        return _beside(table, edges)
    matches = [other for other in others if _share(other, edges.ids)]
    if len(matches) > 1:
        names = names_of(matches)
        raise FormatError(f"{path}: expected one table of neurons, got {names}: [net] labels = FILE names one")
    rest = {other: _why_no_table(other, edges.ids) for other in others if other not in matches}
    lost = next((other for other, reason in rest.items() if reason and tells_signs(other)), None)
    if lost is not None and not matches:
        actual = f"{rest[lost]}: mend it, or name another table as [net] labels"
        raise FormatError(f"{lost}: expected one row per neuron of the edges, got {actual}")
    left = [unused(other.name, reason) for other, reason in rest.items() if reason]
    left += _left_out([other for other, reason in rest.items() if not reason], "no table of these neurons")
    return (_NeuronTable(matches[0], True, "in the same folder or archive") if matches else None), left


def _beside(table: Table, edges: EdgeList) -> tuple[_NeuronTable | None, list[Part]]:
    """The only table of these neurons in the folder of a file; not looked for among very many files."""
    if len(list(islice(table.path.parent.iterdir(), MOST_FILES + 1))) > MOST_FILES:
        reason = f"more than {MOST_FILES}, which are not searched; [net] labels names a table of neurons"
        return None, [unused("other files of the folder", reason)]
    neighbours = [other for other in beside(table) if has_properties(other) and not _edge_tables([other])]
    matches = [other for other in neighbours if _share(other, edges.ids) >= ENOUGH]
    rest = {other: _why_no_table(other, edges.ids) for other in neighbours if other not in matches}
    left = [unused(other.name, reason) for other, reason in rest.items() if reason]
    if len(matches) == 1:
        return _NeuronTable(matches[0], False, "it lies beside the file, with the same ids"), left
    return None, left + _left_out(matches, "several tables with these ids lie beside; [net] labels names one")


def _why_no_table(table: Table, ids: np.ndarray) -> str:
    """Why a table that has most of the ids cannot be used, or ""."""
    if repeated := repeated_id(table, ids, ENOUGH):
        return f"several rows of one neuron, such as {shown(repeated)}"
    near = misspelled_id(table, ids, ENOUGH)
    return f"ids in another spelling, such as {near}" if near else ""


def _left_out(tables: list[Table], reason: str) -> list[Part]:
    """A part for each table, or one for very many."""
    if len(tables) > MOST_LISTED:
        return [unused(f"{len(tables):,} further files, such as {names_of(tables)}", reason)]
    return [unused(table.name, reason) for table in tables]


def _share(table: Table, ids: np.ndarray) -> float:
    """The share of the ids that have one row each in a table, 0 for tables of several rows per id."""
    if not table.columns or not id_columns(table):
        return 0.0
    listed = ids_of(table, ids)
    return 0.0 if listed is None else float(np.isin(ids, listed).mean())


def _with_neurons(edges: EdgeList, neuron_table: _NeuronTable | None) -> tuple[EdgeList, Neurons, list[Part]]:
    """The edges and neurons with the labels of a table; where it lists neurons without edges, these are neurons."""
    if neuron_table is None:
        return edges, Neurons(edges.ids.astype(str), edges.labels), []
    parts = []
    if neuron_table.lists:
        listed = ids_of(neuron_table.table, edges.ids)
        assert listed is not None, "a table of neurons with one row per id"
        ids = np.union1d(edges.ids, listed)
        place = np.searchsorted(ids, edges.ids)
        rows = replace(edges.rows, pre=place[edges.rows.pre], post=place[edges.rows.post])
        labels = {kind: _placed(values, place, len(ids)) for kind, values in edges.labels.items()}
        note = f"{len(ids) - len(edges.ids):,} have no edges"
        parts.append(Part(f"{neuron_table.table.name}, rows", "neurons", note))
        edges = replace(edges, rows=rows, ids=ids, labels=labels)
    with of_labels() if neuron_table.why == NAMED else nullcontext():
        neurons, table_parts = neurons_in(neuron_table.table, edges.ids.astype(str))
    parts += [Part(neuron_table.table.name, "table of neurons", neuron_table.why), *table_parts]
    both = [kind for kind in edges.labels if kind in neurons.labels]
    parts += [unused(f"{kind} of neurons in the edges", f"{neuron_table.table.name} has it") for kind in both]
    if edges.rows.transmitters is not None and LABEL in neurons.labels:
        parts.append(unused("transmitters of the edges", f"{neuron_table.table.name} has those of the neurons"))
    return edges, replace(neurons, labels={**edges.labels, **neurons.labels}), parts


def _placed(values: np.ndarray, place: np.ndarray, n: int) -> np.ndarray:
    """(n,) labels at their new places, unknown elsewhere."""
    placed = np.full(n, "unknown", dtype=object)
    placed[place] = values
    return placed.astype(str)


# ---- recognition


def in_edge_list_tables(path: Path, tables: list[Table]) -> str:
    """A phrase for a list of edges among the tables, "" for others. Raises FormatError where it may be a matrix."""
    lists = _edge_tables(tables)
    if len(lists) == 1 and edges_without_header(lists[0]) == "either":
        width = len(lists[0].columns)
        expected = "expected a header (pre, post, weight) above a list of edges, or a matrix of another shape"
        actual = f"{width} rows of {width} numbers, which may be both"
        raise FormatError(f"{lists[0]}: {expected}, got {actual}: [net] source = edge_list or matrix decides")
    if not lists:
        return ""
    if len(lists) > 1:
        return f"edge lists in {names_of(lists)}"
    if not lists[0].headed:
        names = ("pre", "post", "weight")[: len(lists[0].columns)]
        return (
            f"an edge list without a header, read as {', '.join(names)}: its first row is {', '.join(lists[0].first)}"
        )
    return f"an edge list with columns {listed_columns(lists[0])}"


def has_rois(path: Path, options: Options = DEFAULTS) -> bool:
    """Whether the list of edges at a path has a column of ROIs. Raises FormatError."""
    table = _edge_table(path, tables_in(path, options.variable), options)
    return "roi" in edge_columns(table, options).roles


EDGE_LIST = Format(
    read_edge_list,
    "an edge list (pre, post[, weight, sign, transmitter, synapse_type, ...])",
    in_tables=in_edge_list_tables,
    roi="ROIs joined by commas, or all, where there is a column of ROIs",
    rois_at=has_rois,
    reads=("columns", "weight_column", "synapse_type", "labels", "variable"),
    signs="a column of signs, negative weights, or transmitters of the rows or of a table of neurons",
    needs="pyarrow, for parquet and feather",
)
