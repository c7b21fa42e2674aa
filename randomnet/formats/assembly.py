"""Lists of edges -> Connectome: ids become indices, autapses and duplicates are counted, thresholds are applied.

Arrays have the size of the edges or the neurons, never N x N.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from randomnet.connectome import Connectome
from randomnet.formats.files import FormatError, one_line
from randomnet.formats.options import Options
from randomnet.formats.tables.reading import Table, stream
from randomnet.settings import nearest

if TYPE_CHECKING:
    import pandas as pd

Where = Callable[[str, int], str]
DEFAULTS = Options()
LARGEST = 2.0**53  # whole numbers up to it are exact in float64


@dataclass(frozen=True)
class Columns:
    """The names of an edge table's columns; "" where it has no such column."""

    pre: str
    post: str
    weight: str
    roi: str = ""
    sign: str = ""
    weight_kind: str = "count"

    def kinds(self, roi: bool) -> dict[str, str]:
        """Column -> kind of cell for `tables.stream`, with the column of ROIs if `roi`."""
        return {
            self.pre: "id",
            self.post: "id",
            self.weight: self.weight_kind,
            **({self.sign: "sign"} if self.sign else {}),
            **({self.roi: "category"} if roi else {}),
        }


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of an edge table within the ROIs: (E,) int64 ids and weights; read: the number of all rows.

    where: (`pre` or `post`, id) -> the text that names the place of an id.
    """

    pre: np.ndarray
    post: np.ndarray
    weights: np.ndarray
    where: Where
    read: int = 0


def read_rows(table: Table, columns: Columns, rois: tuple[str, ...] = ()) -> Rows:
    """The edges of a table, only those in `rois` if given. Raises FormatError, also for an unknown ROI."""
    parts, known_rois, read = [], KnownRois(), 0
    for chunk in stream(table, columns.kinds(bool(rois))):
        read += len(chunk[columns.pre])
        weights = chunk[columns.weight]
        if columns.sign:
            weights = weights * chunk[columns.sign].astype(np.int64)
        edges = (chunk[columns.pre], chunk[columns.post], weights)
        if rois:
            is_inside = known_rois.rows_in(chunk[columns.roi], rois)
            edges = tuple(values[is_inside] for values in edges)
        parts.append(edges)
    if rois:
        known_rois.check(table, columns.roi, rois)
    pre, post, weights = (np.concatenate(part) for part in zip(*parts, strict=True)) if parts else _no_edges()
    names = {"pre": columns.pre, "post": columns.post}
    return Rows(pre, post, weights, lambda side, value: _place(table, names[side], value), read)


def from_edges(
    name: str,
    pre_ids: np.ndarray,
    post_ids: np.ndarray,
    weights: np.ndarray,
    neuron_ids: np.ndarray | None = None,
    *,
    labels: Mapping[str, np.ndarray] | None = None,
    provenance: Mapping[str, Any] | None = None,
    options: Options = DEFAULTS,
    where: Where | None = None,
    listed_in: object = "the neurons",
    file: object = "",
) -> Connectome:
    """The Connectome of E edges between neurons with ids; duplicates are summed, autapses are counted and dropped.

    pre_ids, post_ids: (E,) integers. weights: (E,) numbers. neuron_ids: (N,) different integers in the order of the
    matrix; None: all ids of the edges, sorted. labels: kind -> (N,) texts. where: (`pre` or `post`, id) -> the text
    that names the place of an unknown id. listed_in: the source that should list it. file: the name in errors, in
    place of `name`. Raises FormatError, ValueError.
    """
    import pandas as pd  # takes a second, and not every run reads a file

    shapes = [np.shape(values) for values in (pre_ids, post_ids, weights)]
    if len(set(shapes)) > 1 or len(shapes[0]) != 1:
        raise ValueError(f"pre_ids, post_ids and weights must have one shape (E,), got {shapes}")
    pre_ids, post_ids = (_integers(name, ids) for name, ids in (("pre_ids", pre_ids), ("post_ids", post_ids)))
    if neuron_ids is None:
        neuron_ids = np.union1d(pre_ids, post_ids)
    neurons = pd.Index(_integers("neuron_ids", neuron_ids))
    if not neurons.is_unique:
        raise FormatError(f"{listed_in}: expected different ids, got {neurons[neurons.duplicated()][0]} twice")
    place = where or (lambda side, value: f"{side}_ids")
    pre, post = (_indices(neurons, ids, side, place, listed_in) for side, ids in (("pre", pre_ids), ("post", post_ids)))
    return assemble(name, neurons.to_numpy().astype(str), pre, post, weights, labels, provenance, options, file)


def assemble(
    name: str,
    names: np.ndarray,
    pre: np.ndarray,
    post: np.ndarray,
    weights: np.ndarray,
    labels: Mapping[str, np.ndarray] | None = None,
    provenance: Mapping[str, Any] | None = None,
    options: Options = DEFAULTS,
    file: object = "",
) -> Connectome:
    """As `from_edges`, with indices 0, ..., N-1 into `names` in place of ids.

    Raises FormatError where no edge remains, or a weight is above 2^53, from where float64 skips whole numbers.
    """
    counts: dict[str, Any] = {"rows_of_edges": len(weights)}
    autapses = pre == post
    counts["autapses"] = int(autapses.sum())
    counts["autapses_dropped"] = counts["autapses"] if options.drop_autapses else 0
    if options.drop_autapses and counts["autapses"]:
        pre, post, weights = (values[~autapses] for values in (pre, post, weights))
    key, weights = _summed(_keys(post, pre, len(names)), weights)
    counts["duplicates_summed"] = len(pre) - len(key)
    size = np.abs(weights)
    if not (size <= LARGEST).all():
        raise _too_large(file or name, names, key, weights)
    counts["smallest_pair"] = float(size.min()) if len(size) else 0.0
    counts["zero_weights_dropped"] = int((size == 0).sum())
    is_edge = (size > 0) & (size >= options.min_synapses)
    counts["pairs_below_min_synapses"] = int((~is_edge).sum()) - counts["zero_weights_dropped"]
    if not is_edge.any():
        actual = f"none of {counts['rows_of_edges']} rows ({counts['autapses_dropped']} autapses dropped)"
        smallest = max(options.min_synapses, 1)
        raise FormatError(f"{file or name}: expected a connection with at least {smallest:g}, got {actual}")
    if not is_edge.all():
        key, weights = key[is_edge], weights[is_edge]
    del size, is_edge
    post, pre = np.divmod(key, len(names))
    del key
    notes = {"min_synapses": options.min_synapses, "min_synapses_per": "pair, after summing its rows", **counts}
    return Connectome(name, post, pre, weights, names, dict(labels or {}), {**(provenance or {}), **notes})


def _too_large(file: object, names: np.ndarray, key: np.ndarray, weights: np.ndarray) -> FormatError:
    """The error for the first pair with a weight above 2^53."""
    edge = int(np.argmin(np.abs(weights) <= LARGEST))
    post, pre = divmod(int(key[edge]), len(names))
    actual = f"{weights[edge]:g} from {one_line(names[pre])} to {one_line(names[post])}"
    return FormatError(f"{file}: expected weights that sum to at most 2^53 per pair, in magnitude, got {actual}")


@dataclass
class KnownRois:
    """The ROIs in a table, collected as it is read."""

    names: set[str] = field(default_factory=set)

    def rows_in(self, column: "pd.Categorical", rois: tuple[str, ...]) -> np.ndarray:
        """(E,) bool: whether each row is in one of `rois`."""
        self.names.update(column.categories)
        is_inside = np.append(np.isin(np.asarray(column.categories, dtype=str), rois), False)  # code -1: no category
        return is_inside[column.codes]

    def check(self, table: Table, column: str, rois: tuple[str, ...]) -> None:
        """Raise FormatError where one of `rois` is not in the table."""
        for roi in rois:
            if roi not in self.names:
                known = ", ".join(sorted(self.names - {""})) or "none"
                actual = f"{roi!r}; there are {known}{nearest(roi, self.names)}"
                raise FormatError(f"{table}, column {column}: expected a ROI that exists, got {actual}")


def _no_edges() -> tuple[np.ndarray, ...]:
    return tuple(np.zeros(0, np.int64) for _ in range(3))


def _integers(name: str, ids: np.ndarray) -> np.ndarray:
    """The ids as int64. Raises ValueError for other types, and for numbers that int64 cannot hold."""
    ids = np.asarray(ids)
    if len(ids) and (ids.dtype.kind not in "iu" or (ids.dtype.kind == "u" and ids.max() >= 2**63)):
        raise ValueError(f"{name} must be integers of 64 bits (as floats they would lose digits), got {ids.dtype}")
    return ids.astype(np.int64, copy=False)


def _indices(neurons: "pd.Index", ids: np.ndarray, side: str, where: Where, listed_in: object) -> np.ndarray:
    """(E,) where each id is among the neurons. Raises FormatError for an unknown id."""
    index = neurons.get_indexer(ids).astype(np.int64, copy=False)
    unknown = ids[index < 0]
    if len(unknown):
        others = len(np.unique(unknown)) - 1
        more = f" (and {others} more unknown ids)" if others else ""
        place = where(side, int(unknown[0]))
        raise FormatError(f"{place}: expected an id listed in {listed_in}, got {unknown[0]}{more}")
    return index


def _place(table: Table, column: str, value: int) -> str:
    return f"{table}, row {next(table.rows_of(column, value), 0)}, column {column}"


def _keys(post: np.ndarray, pre: np.ndarray, n: int) -> np.ndarray:
    """(E,) int64 post * n + pre, without temporary arrays of that size."""
    key = post.astype(np.int64)
    key *= n
    key += pre
    return key


def _summed(key: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sorted unique keys and the sum of the weights of each, in float64, exact for whole numbers up to 2^53."""
    order = np.argsort(key, kind="stable")
    key, weights = key[order], np.asarray(weights)[order].astype(np.float64, copy=False)
    del order
    is_first = np.ones(len(key), bool)
    np.not_equal(key[1:], key[:-1], out=is_first[1:])
    if is_first.all():
        return key, weights
    starts = np.flatnonzero(is_first)
    with np.errstate(over="ignore", invalid="ignore"):  # non-finite sums are refused by the caller
        return key[starts], np.add.reduceat(weights, starts)
