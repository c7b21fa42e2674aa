"""The rows of a table of edges: ids become indices of neurons; words become types of synapses, directions and signs."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from randomnet.formats.assembly import KnownRois
from randomnet.formats.contents import Part, unused
from randomnet.formats.edges.columns import EdgeColumns, place_of
from randomnet.formats.edges.words import with_words
from randomnet.formats.files import FormatError
from randomnet.formats.interpretation import TYPES, EdgeRows, Texts, stacked
from randomnet.formats.neurons.tables import canonical_ids
from randomnet.formats.options import Options
from randomnet.formats.signs import UNKNOWN
from randomnet.formats.spellings import EDGE_ROLES
from randomnet.formats.tables.reading import Table, has_padded_ids, id_or_name, shown, stream

if TYPE_CHECKING:
    import pandas as pd

TEXTS = ("name", "category")


@dataclass(frozen=True, eq=False)
class EdgeList:
    """The edges of a table between the neurons with `ids`, (N,) int64 or texts, sorted.

    labels: kind -> (N,) texts, from columns such as type_pre. parts: what each column is used as. read: the number of
    all rows.
    """

    rows: EdgeRows
    ids: np.ndarray
    labels: Mapping[str, np.ndarray]
    parts: list[Part]
    read: int


class _Words:
    """The different texts of columns, and the code of each cell of one column in them."""

    def __init__(self, index: dict[str, int] | None = None) -> None:
        self.index = {} if index is None else index
        self.codes: list[np.ndarray] = []

    def add(self, cells: "pd.Categorical") -> None:
        """Take the cells of the next rows."""
        texts = [*(str(text).strip() for text in cells.categories), ""]
        present = np.unique(cells.codes)
        codes = np.zeros(len(texts), np.int32)
        for code in present.tolist():
            codes[code] = self.index.setdefault(texts[code], len(self.index))
        self.codes.append(codes[cells.codes])

    def texts(self) -> Texts:
        """The codes of all rows, and the different texts."""
        codes = np.concatenate(self.codes) if self.codes else np.zeros(0, np.int64)
        return Texts(codes, np.array(list(self.index), dtype=str))


@dataclass(eq=False)
class _Columns:
    """The cells of all rows: numbers by column, and words by column."""

    numbers: dict[str, list[np.ndarray]] = field(default_factory=dict)
    words: dict[str, _Words] = field(default_factory=dict)
    read: int = 0

    def array(self, column: str) -> np.ndarray:
        """The numbers of all rows."""
        parts = self.numbers.pop(column)  # so that their memory is free after the use
        return np.concatenate(parts) if parts else np.zeros(0, np.int64)

    def texts(self, column: str) -> Texts:
        """The words of all rows."""
        return self.words[column].texts()


def read_edges(table: Table, columns: EdgeColumns, options: Options) -> EdgeList:
    """The edges of a table, of the rows in the ROIs of the options. Raises FormatError."""
    if options.rois and "roi" not in columns.roles:
        reason = "an edge list has no ROIs without a column of them ([net] columns = roi: NAME names one)"
        raise FormatError(f"{table}: expected no roi, as {reason}, got {options.roi!r}")
    cells = _cells(table, columns, options.rois)
    if not cells.read:
        raise FormatError(f"{table}: expected a row for each edge, got a header alone")
    ids, pre, post, id_note = _neurons(cells, columns)
    _check_no_header(table, columns, ids, pre, post)
    parts = [Part(place_of(table, columns.roles[role]), EDGE_ROLES[role].use, id_note) for role in ("pre", "post")]
    rows, weight_parts = _weighted(table, columns, cells, EdgeRows(pre, post, np.ones(0)), len(ids))
    labels, label_parts = _labels(table, columns, cells, rows, ids)
    rows, word_parts = with_words(table, columns, cells.texts, rows)
    rows = _by_synapse(columns, cells, rows)
    parts = [*parts, *weight_parts, *word_parts, *_roi_parts(table, columns, options), *label_parts, *columns.parts]
    return EdgeList(rows, ids, labels, parts, cells.read)


# ---- cells


def _cells(table: Table, columns: EdgeColumns, rois: tuple[str, ...]) -> _Columns:
    """The cells of all columns with a role, of the rows in the ROIs. Raises FormatError.

    Ids are taken for whole numbers first, so that large files are read once; those such as 001 are names.
    """
    ends = (columns.roles["pre"], columns.roles["post"])
    try:
        cells = _collected(table, columns, rois, "id")
        if not has_padded_ids(table, ends):
            return cells
    except FormatError:
        if id_or_name(table, ends) == "id":
            raise
    return _collected(table, columns, rois, "name")


def _collected(table: Table, columns: EdgeColumns, rois: tuple[str, ...], id_kind: str) -> _Columns:
    roles = columns.roles
    ends = (roles["pre"], roles["post"])
    kinds = dict.fromkeys(ends, id_kind)
    kinds |= {roles[role]: "signed" for role in ("weight",) if role in roles}
    kinds |= dict.fromkeys(columns.by_synapse.values(), "entry")
    texts = [roles[role] for role in ("sign", "transmitter", "synapse_type", "direction") if role in roles]
    texts += [*columns.words, *columns.labels]
    kinds |= dict.fromkeys(texts, "category")
    known_rois = KnownRois()
    cells = _Columns({name: [] for name, kind in kinds.items() if kind not in TEXTS}, _words(columns, kinds))
    for chunk in stream(table, kinds | ({roles["roi"]: "category"} if rois else {})):
        cells.read += len(chunk[ends[0]])
        is_inside = known_rois.rows_in(chunk[roles["roi"]], rois) if rois else slice(None)
        for name, parts in cells.numbers.items():
            parts.append(chunk[name][is_inside])
        for name, words in cells.words.items():
            words.add(chunk[name][is_inside] if rois else chunk[name])
    if rois:
        known_rois.check(table, roles["roi"], rois)
    return cells


def _words(columns: EdgeColumns, kinds: Mapping[str, str]) -> dict[str, _Words]:
    """The words of each column of texts; columns of ids share theirs, and so do those of one kind of label."""
    indices: dict[str, dict[str, int]] = {}
    groups = {columns.roles[role]: "ids" for role in ("pre", "post")}
    groups |= {column: f"label {kind}" for column, (_, kind) in columns.labels.items()}
    return {
        column: _Words(indices.setdefault(groups.get(column, column), {}))
        for column, kind in kinds.items()
        if kind in TEXTS
    }


def _neurons(cells: _Columns, columns: EdgeColumns) -> tuple[np.ndarray, np.ndarray, np.ndarray, str]:
    """(N,) sorted ids, (E,) indices of pre- and postsynaptic neurons, and what the ids are."""
    import pandas as pd  # takes a second, and not every run reads a file

    ends = (columns.roles["pre"], columns.roles["post"])
    if ends[0] in cells.words:
        pre, post = (cells.words.pop(end).texts() for end in ends)
        ids, index = np.unique(canonical_ids(pre.names), return_inverse=True)
        return ids, index[pre.codes], index[post.codes], "names"
    pre_ids, post_ids = (cells.array(end) for end in ends)
    ids = np.union1d(pre_ids, post_ids)
    index_of = pd.Index(ids)
    pre, post = (index_of.get_indexer(values).astype(np.int64, copy=False) for values in (pre_ids, post_ids))
    return ids, pre, post, "whole numbers"


def _check_no_header(table: Table, columns: EdgeColumns, ids: np.ndarray, pre: np.ndarray, post: np.ndarray) -> None:
    """Raise FormatError for a row that is the header again, as in files that were put together.

    Where there are weights, such a row has none; one that has is an edge of neurons of these names.
    """
    names = [columns.roles["pre"], columns.roles["post"]]
    have_weights = "weight" in columns.roles or bool(columns.by_synapse)
    if not table.headed or have_weights or ids.dtype.kind != "U" or not np.isin(names, ids).all():
        return
    first, second = np.searchsorted(ids, names)
    if ((pre == first) & (post == second)).any():
        row = next((row for row in table.rows_of(names[0], names[0]) if row > 1), 0)
        actual = f"the names of the columns again: {names[0]}, {names[1]}; delete this row"
        raise FormatError(f"{table}, row {row}: expected an edge, got {actual}")


# ---- weights and signs


def _weighted(
    table: Table, columns: EdgeColumns, cells: _Columns, rows: EdgeRows, n: int
) -> tuple[EdgeRows, list[Part]]:
    """The rows with their weights, which are 1 where rows are counted. Raises FormatError."""
    if columns.by_synapse:
        parts = [Part(place_of(table, name), f"weight of {kind} synapses") for kind, name in columns.by_synapse.items()]
        return replace(rows, weights=np.ones(len(rows.pre))), parts
    if "weight" not in columns.roles:
        return _counted(table, columns, rows, n)
    column = columns.roles["weight"]
    weights = cells.array(column)
    notes = [columns.weight_note] * bool(columns.weight_note)
    if negative := int((weights < 0).sum()):
        notes.append(f"{negative:,} of {len(weights):,} are negative, which are the signs")
    part = Part(place_of(table, column), EDGE_ROLES["weight"].use, "; ".join(notes))
    return replace(rows, weights=weights), [part]


def _counted(table: Table, columns: EdgeColumns, rows: EdgeRows, n: int) -> tuple[EdgeRows, list[Part]]:
    """The rows with weight 1, which sum to the rows per pair. Raises FormatError where that may be no weight."""
    if not table.headed and n == 2 * len(rows.pre):
        raise FormatError(
            f"{table}: expected rows of two neurons, some of them in several rows, got {n} different ones: where these "
            "are edges, write a header (pre, post) above them"
        )
    repeated = len(rows.pre) - len(np.unique(rows.pre * np.int64(n) + rows.post))
    if columns.doubtful and not repeated:
        name = columns.doubtful[0]
        raise FormatError(
            f"{table}: expected a column of weights, or rows that repeat pairs of neurons, which would be counted, got "
            f"neither: [net] weight_column = {name} reads the column {name}"
        )
    text = "rows per pair of neurons" if repeated else "1 for every edge: unweighted, as no pair of neurons repeats"
    part = Part(f"{table.name}, rows", EDGE_ROLES["weight"].use, f"no column of weights; {text}")
    return replace(rows, weights=np.ones(len(rows.pre), np.int64)), [part]


def _by_synapse(columns: EdgeColumns, cells: _Columns, rows: EdgeRows) -> EdgeRows:
    """The rows once for each column of weights of a type of synapse, without those of weight 0 or no weight."""
    if not columns.by_synapse:
        return rows
    parts = []
    for kind, column in columns.by_synapse.items():
        weights = np.nan_to_num(cells.array(column))
        types = np.full(len(weights), TYPES.index(kind))
        parts.append(replace(rows, weights=weights, types=types).where(weights != 0))
    return stacked(parts)


# ---- labels and ROIs


def _labels(
    table: Table, columns: EdgeColumns, cells: _Columns, rows: EdgeRows, ids: np.ndarray
) -> tuple[dict[str, np.ndarray], list[Part]]:
    """Kind -> (N,) labels from columns such as type_pre, and their parts. Raises FormatError where they differ."""
    labels, parts = {}, []
    for kind in dict.fromkeys(kind for _, kind in columns.labels.values()):
        codes, names = np.full(len(ids), -1), np.zeros(0, str)
        of_kind = {column: end for column, (end, other) in columns.labels.items() if other == kind}
        conflict = None
        for column, end in of_kind.items():
            texts = cells.texts(column)
            names, index = texts.names, getattr(rows, end)
            is_named = (names != "")[texts.codes] if len(names) else np.zeros(0, bool)
            before = codes[index]
            codes[index[is_named]] = texts.codes[is_named]
            differs = is_named & ((codes[index] != texts.codes) | ((before >= 0) & (before != texts.codes)))
            if differs.any():
                row = int(np.argmax(differs))
                values = sorted(
                    {str(names[code]) for code in (before[row], codes[index[row]], texts.codes[row]) if code >= 0}
                )
                conflict = conflict or (column, ids[index[row]], values)
        if conflict and kind != "region":
            column, neuron, values = conflict
            actual = " and ".join(repr(shown(value)) for value in values)
            raise FormatError(f"{table}, column {column}: expected one {kind} per neuron, got {actual} for {neuron}")
        if conflict:
            parts += [unused(place_of(table, column), "it differs between the rows of a neuron") for column in of_kind]
            continue
        labels[kind] = np.where(codes >= 0, np.append(names, "")[codes], UNKNOWN)
        count = len(np.unique(labels[kind][codes >= 0]))
        parts += [Part(place_of(table, column), f"label {kind}", f"{count:,} different") for column in of_kind]
    return labels, parts


def _roi_parts(table: Table, columns: EdgeColumns, options: Options) -> list[Part]:
    if "roi" not in columns.roles:
        return []
    note = f"rows in {', '.join(options.rois)}" if options.rois else "summed over all; [net] roi selects some"
    return [Part(place_of(table, columns.roles["roi"]), EDGE_ROLES["roi"].use, note)]
