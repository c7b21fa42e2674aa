"""Edges between known neurons, out of tables whose rows are mostly of other bodies: fragments, glia.

Tables are read in batches. Memory is bounded by the rows that are kept: 12 bytes each.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from randomnet.formats import arrow
from randomnet.formats.assembly import Columns
from randomnet.formats.files import FormatError
from randomnet.formats.table_lookup import places_of
from randomnet.formats.tables import KINDS, Table, stream

SLOTS = 1 << 24  # of the first filter: 16 MB, in which 200,000 neurons let 1 % of other bodies pass
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
        kept = np.flatnonzero(neurons.may_have(pre))
        kept = kept[neurons.may_have(post[kept])]
        (pre_index, pre_known), (post_index, post_known) = (neurons.places(side[kept]) for side in (pre, post))
        known = pre_known & post_known
        parts.append((pre_index[known].astype(np.int32), post_index[known].astype(np.int32),
                      _narrow(weights[kept[known]])))  # fmt: skip
    if not parts:
        raise FormatError(f"{table}: expected a row per connection, got none")
    pre, post, weights = (np.concatenate(part) for part in zip(*parts, strict=True))
    return NeuronEdges(pre, post, weights, rows, synapses)


class _Neurons:
    """The ids of neurons, with a filter that passes all of them and few others."""

    def __init__(self, ids: np.ndarray) -> None:
        self.ids, self.order = ids, np.argsort(ids)
        self.slots = np.zeros(SLOTS, bool)
        self.slots[ids & (SLOTS - 1)] = True

    def may_have(self, bodies: np.ndarray) -> np.ndarray:
        """Whether each body may be a neuron; False is certain."""
        return self.slots[bodies & (SLOTS - 1)]

    def places(self, bodies: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The index of each body among the neurons, and whether it is there."""
        return places_of(bodies, self.ids, self.order)


def _narrow(weights: np.ndarray) -> np.ndarray:
    """The weights in 32 bits where they fit."""
    return weights.astype(np.int32) if not len(weights) or weights.max() < 2**31 else weights


def _batches(table: Table, columns: Columns) -> Iterator[Batch]:
    kinds = columns.kinds(roi=False)
    names = (columns.pre, columns.post, columns.weight)
    if table.kind == "csv":
        for chunk in stream(table, kinds):
            yield chunk[names[0]], chunk[names[1]], chunk[names[2]]
        return
    row = 2
    for batch in arrow.batches(table.path, table.kind, list(names)):
        pre, post, weights = (_whole(table, name, batch[name], kinds[name], row) for name in names)
        yield pre, post, weights
        row += len(weights)


def _whole(table: Table, name: str, column: object, kind: str, row: int) -> np.ndarray:
    """The checked whole numbers of a column. Raises FormatError with file, row and column."""
    rule = KINDS[kind]
    try:
        values = arrow.integers(column, exact=kind == "id")
    except arrow.NotWhole as error:
        wrong = error.row
    else:
        if rule.valid is None or not len(values) or values.min() >= 0 or rule.valid(values).all():
            return values
        wrong = int(np.argmin(rule.valid(values)))
    cell = column[wrong].as_py()  # type: ignore[index]
    actual = "an empty cell" if cell is None else repr(cell)
    raise FormatError(f"{table}, row {row + wrong}, column {name}: expected {rule.expected}, got {actual}")
