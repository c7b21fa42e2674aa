"""Edges between known neurons, out of tables whose rows are mostly of other bodies: fragments, glia.

Tables are read in batches. Memory is bounded by the rows that are kept: 12 bytes each.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from randomnet.formats.assembly import Columns
from randomnet.formats.files import FormatError
from randomnet.formats.tables import arrow, record_batches
from randomnet.formats.tables.lookup import places_of
from randomnet.formats.tables.reading import KINDS, Table, stream

SLOTS = 1 << 24  # of the table of neurons: 64 MB, of which 200,000 neurons occupy 1 %
Batch = tuple[np.ndarray, np.ndarray, np.ndarray]  # ids of pre and post, and weights


@dataclass(frozen=True, eq=False)
class NeuronEdges:
    """The rows of an edge table between neurons, and what the other rows held.

    pre, post: (E,) int32 indices of neurons. weights: (E,) integers >= 0. rows, synapses: of the whole table.
    """

    pre: np.ndarray
    post: np.ndarray
    weights: np.ndarray
    rows: int
    synapses: int

    @property
    def rows_dropped(self) -> int:
        """The number of rows of which an end is no neuron."""
        return self.rows - len(self.weights)

    @property
    def synapses_dropped(self) -> int:
        """The sum of their weights."""
        return self.synapses - int(self.weights.sum(dtype=np.int64))


def edges_between(table: Table, columns: Columns, ids: np.ndarray) -> NeuronEdges:
    """The edges of a table between neurons with `ids`, (N,) different int64. Raises FormatError."""
    neurons, rows, synapses = _Neurons(ids), 0, 0
    parts: list[Batch] = []
    for pre, post, weights in _batches(table, columns):
        rows, synapses = rows + len(weights), synapses + int(weights.sum(dtype=np.int64))
        pre_index = neurons.index_of(pre)
        rows_of_neurons = np.flatnonzero(pre_index >= 0)
        post_index = neurons.index_of(post[rows_of_neurons])
        is_edge = post_index >= 0
        edge_rows = rows_of_neurons[is_edge]
        parts.append((pre_index[edge_rows], post_index[is_edge], _narrow(weights[edge_rows])))
    if not parts:
        raise FormatError(f"{table}: expected a row per connection, got none")
    pre, post, weights = (np.concatenate(part) for part in zip(*parts, strict=True))
    return NeuronEdges(pre, post, weights, rows, synapses)


class _Neurons:
    """The ids of neurons in a table by their low bits, which is faster than a search among all of them."""

    def __init__(self, ids: np.ndarray) -> None:
        self.ids, self.order = ids, np.argsort(ids)
        self.slots = np.full(SLOTS, -1, np.int32)
        self.slots[ids & (SLOTS - 1)] = np.arange(len(ids))

    def index_of(self, bodies: np.ndarray) -> np.ndarray:
        """(rows,) int32 index of each body among the neurons, -1 for other bodies."""
        index = self.slots[bodies & (SLOTS - 1)]
        occupied = np.flatnonzero(index >= 0)
        others = occupied[self.ids[index[occupied]] != bodies[occupied]]  # their slot is that of another neuron
        place, known = places_of(bodies[others], self.ids, self.order)
        index[others] = np.where(known, place, -1)
        return index


def _narrow(weights: np.ndarray) -> np.ndarray:
    """The weights in 32 bits where they fit."""
    return weights.astype(np.int32) if not len(weights) or weights.max() < 2**31 else weights


def _batches(table: Table, columns: Columns) -> Iterator[Batch]:
    kinds = columns.kinds(roi=False)
    names = (columns.pre, columns.post, columns.weight)
    if table.kind not in arrow.KINDS:
        for chunk in stream(table, kinds):
            yield chunk[names[0]], chunk[names[1]], chunk[names[2]]
        return
    row = 2
    for batch in record_batches.batches(table.path, table.kind, list(names)):
        pre, post, weights = (_whole(table, name, batch[name], kinds[name], row) for name in names)
        yield pre, post, weights
        row += len(weights)


def _whole(table: Table, name: str, column: object, kind: str, row: int) -> np.ndarray:
    """The checked whole numbers of a column. Raises FormatError with file, row and column."""
    rule = KINDS[kind]
    try:
        values = record_batches.integers(column, exact=kind == "id")
    except record_batches.NotWhole as error:
        wrong = error.row
    else:
        if rule.valid is None or not len(values) or values.min() >= 0 or rule.valid(values).all():
            return values
        wrong = int(np.argmin(rule.valid(values)))
    cell = column[wrong].as_py()  # type: ignore[index]
    actual = "an empty cell" if cell is None else repr(cell)
    raise FormatError(f"{table}, row {row + wrong}, column {name}: expected {rule.expected}, got {actual}")
