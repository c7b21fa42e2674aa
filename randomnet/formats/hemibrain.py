"""Tables of hemibrain v1.2 and exports of neuPrint -> Connectome; from a folder, the published .tar.gz, or one table.

hemibrain v1.2 (Scheffer et al. 2020, exported-traced-adjacencies-v1.2.tar.gz) has neurons `bodyId,type,instance`,
total connections `bodyId_pre,bodyId_post,weight`, and connections per ROI with a further column `roi`. MANC and exports
of neuprint-python's `fetch_adjacencies` have the same columns. Transmitters (Eckstein et al. 2024) are a table with
`body` and `predicted_nt` in the folder or beside the archive, or a column of the neurons such as predictedNt.
"""

from pathlib import Path
from typing import Any

import numpy as np

from randomnet.connectome import Connectome
from randomnet.formats.assembly import DEFAULTS, Columns, from_edges, read_rows
from randomnet.formats.contents import Part, recorded
from randomnet.formats.edges.columns import tells_more, tells_role
from randomnet.formats.neurons.columns import PROPERTIES, first_texts
from randomnet.formats.neurons.tables import tells_signs
from randomnet.formats.options import Options
from randomnet.formats.record import Format
from randomnet.formats.signs import LABEL, UNKNOWN, transmitter_names, within_rois
from randomnet.formats.spellings import NODE_ROLES, role_columns
from randomnet.formats.tables import arrow
from randomnet.formats.tables.lookup import Tables, find_tables, neuron_ids, numbers_of, parts_of_tables, texts_of
from randomnet.formats.tables.reading import Table, checksums, names_of

EDGES = ("bodyId_pre", "bodyId_post", "weight")
COLUMNS = Columns(*EDGES, roi="roi")
BODIES = ("body", "bodyId")
PREDICTIONS = ("consensus_nt", "predicted_nt")
TRANSMITTERS = ("consensusNt", "predictedNt", "celltypePredictedNt")  # of neurons in neuPrint, the best first
PROBABILITIES = ("gaba", "acetylcholine", "glutamate", "serotonin", "octopamine", "dopamine")
MISSING = "a table of transmitters (columns body, predicted_nt: hemibrain-v1.2-body-mean-neurotransmitters, as " \
    "feather or CSV) in the folder or beside the archive, got none"  # fmt: skip


def is_total(table: Table) -> bool:
    """Whether the table has the connections of the whole brain."""
    return table.has(*EDGES) and not table.has("roi")


def is_per_roi(table: Table) -> bool:
    """Whether the table has connections per ROI."""
    return table.has(*EDGES, "roi")


def is_neurons(table: Table) -> bool:
    """Whether the table has the neurons, one row each; neuPrint's `roi_counts.csv` has one per neuron and ROI."""
    return table.has("bodyId") and not table.has("roi") and not is_transmitters(table)


def is_transmitters(table: Table) -> bool:
    """Whether the table has predicted transmitters, one row per body."""
    return any(map(table.has, BODIES)) and any(map(table.has, PREDICTIONS))


def read_hemibrain(path: Path, options: Options = DEFAULTS) -> Connectome:
    """The Connectome of traced neurons and their synapse counts, of the whole brain or inside the ROIs `options.roi`.

    With ROIs, neurons without a connection in them are dropped, and the threshold applies to pairs within them. Labels
    are type, instance, side, and those of PROPERTIES and neurotransmitter where they are known. Raises FormatError.
    """
    options.refuse(path, rows="the columns say which neuron is presynaptic")
    tables = find_tables(path)
    edges = _edges(tables, bool(options.rois))
    neurons = tables.at_most_one(is_neurons, "neurons")
    rows = read_rows(edges, COLUMNS, options.rois)
    ids = neuron_ids(neurons, "bodyId") if neurons else np.union1d(rows.pre, rows.post)
    transmitters = _transmitter_table(tables, options)
    used = [table for table in (edges, neurons, transmitters) if table]
    connectome = from_edges(
        _name(path, options),
        rows.pre,
        rows.post,
        rows.weights,
        ids,
        labels=_labels(neurons, transmitters, ids),
        provenance=_provenance(edges, used, rows.read, options)
        | recorded(_parts(tables, edges, neurons, transmitters, options)),
        options=options,
        where=rows.where,
        listed_in=neurons,
        file=edges,
    )
    probabilities = _probabilities(transmitters, ids) if options.sign_policy == "expected" else {}
    return within_rois(connectome, options, probabilities, MISSING)


def _edges(tables: Tables, per_roi: bool) -> Table:
    """The table per ROI where `per_roi`; or else the totals; or without them the table per ROI, to be summed."""
    single = None if tables.path.is_dir() or len(tables.at_path) > 1 else tables.at_path[0]
    if per_roi or (single and is_per_roi(single)):
        return tables.exactly_one(is_per_roi, "connections per ROI", (*EDGES, "roi"))
    total = tables.at_most_one(is_total, "connections")
    return total or tables.exactly_one(is_per_roi, "connections", EDGES)


def _transmitter_table(tables: Tables, options: Options) -> Table | None:
    """The table of transmitters, or None.

    Raises FormatError without pyarrow where signs are needed and a feather file may be that table.
    """
    transmitters = tables.at_most_one(is_transmitters, "transmitters")
    every_table = (*tables.at_path, *tables.beside_path)
    unread = [table for table in every_table if table.kind in arrow.KINDS and not table.columns]
    if transmitters is None and unread and not arrow.installed() and options.sign_policy != "none":
        raise arrow.needed(unread[0].path, unread[0].kind)
    return transmitters


def _labels(neurons: Table | None, transmitters: Table | None, ids: np.ndarray) -> dict[str, np.ndarray]:
    labels = {}
    for column in ("type", "instance"):
        if neurons and neurons.has(column):
            labels[column] = texts_of(neurons, "bodyId", column, ids, UNKNOWN)
    labels |= _further_labels(neurons, ids) if neurons else {}
    if "instance" in labels:
        by_instance = _sides(labels["instance"])
        side = labels.get("side", by_instance)
        labels["side"] = np.where(side == UNKNOWN, by_instance, side)
    if transmitters:
        key, column = _first(transmitters, BODIES), _first(transmitters, PREDICTIONS)
        labels[LABEL] = transmitter_names(texts_of(transmitters, key, column, ids, ""))
    elif neurons and (column := _transmitter_column(neurons)):
        labels[LABEL] = transmitter_names(texts_of(neurons, "bodyId", column, ids, ""))
    return labels


def _further_labels(neurons: Table, ids: np.ndarray) -> dict[str, np.ndarray]:
    """Labels of the properties that neuPrint's datasets have beside type and instance."""
    sources = {kind: [name for name in columns if neurons.has(name)] for kind, columns in PROPERTIES.items()}
    texts = {kind: [texts_of(neurons, "bodyId", name, ids, "") for name in names] for kind, names in sources.items()}
    return {kind: first_texts(kind, columns) for kind, columns in texts.items() if columns}


def _first(table: Table, columns: tuple[str, ...]) -> str:
    """The first of the columns that the table has, or ""."""
    return next((column for column in columns if table.has(column)), "")


def _transmitter_column(neurons: Table) -> str:
    """The column of the neurons with their transmitters, that of neuPrint or another spelling, or ""."""
    spelled = role_columns(neurons.columns, NODE_ROLES["transmitter"])
    return _first(neurons, TRANSMITTERS) or next(iter(spelled), "")


def _sides(instances: np.ndarray) -> np.ndarray:
    """(N,) left, right or unknown, by the suffix _L or _R of instances."""
    left, right = np.char.endswith(instances, "_L"), np.char.endswith(instances, "_R")
    return np.where(left, "left", np.where(right, "right", UNKNOWN))


def _probabilities(table: Table | None, ids: np.ndarray) -> dict[str, np.ndarray]:
    columns = [column for column in PROBABILITIES if table and table.has(column)]
    return numbers_of(table, _first(table, BODIES), columns, ids) if table and columns else {}


def _name(path: Path, options: Options) -> str:
    name = path.name.removesuffix(".gz").removesuffix(".tar").removesuffix(".csv") or "hemibrain"
    return f"{name} {options.roi}" if options.rois else name


def _provenance(edges: Table, used: list[Table], read: int, options: Options) -> dict[str, Any]:
    return {
        "source": "hemibrain or neuPrint tables",
        "synthetic": False,
        "roi": ", ".join(options.rois),
        "connections": edges.member or edges.path.name,
        "rows_read": read,
        "files": checksums(used),
    }


def _parts(
    tables: Tables, edges: Table, neurons: Table | None, transmitters: Table | None, options: Options
) -> list[Part]:
    """What is used of the tables."""
    ends = {EDGES[0]: "presynaptic neuron", EDGES[1]: "postsynaptic neuron", EDGES[2]: "weight"}
    uses = {edges: ends | ({"roi": "region of the synapses"} if edges.has("roi") else {})}
    notes: dict[Table, dict[str, str]] = {edges: {}}
    if edges.has("roi"):
        notes[edges]["roi"] = f"only {options.roi}" if options.rois else "summed over"
    if neurons:
        kinds = {"type": ("type",), "instance": ("instance",), **PROPERTIES}
        columns = {name: f"label {kind}" for kind, names in kinds.items() for name in names if neurons.has(name)}
        uses[neurons] = {"bodyId": "neuron", **columns}
        if neurons.has("instance"):
            notes[neurons] = {"instance": "its ending _L or _R tells the side where no column does"}
    if transmitters:
        key, column = _first(transmitters, BODIES), _first(transmitters, PREDICTIONS)
        uses[transmitters] = {key: "neuron", column: "transmitter of the neuron"}
        uses[transmitters] |= _probability_uses(transmitters) if options.sign_policy == "expected" else {}
    elif neurons and (column := _transmitter_column(neurons)):
        uses[neurons][column] = "transmitter of the neuron"
    for table in tables.at_path:
        if is_per_roi(table) and table is not edges:
            notes[table] = {"": "[net] roi = a ROI reads it"}
        elif is_total(table) and table is not edges:
            notes[table] = {"": "the connections per ROI are read"}
    return parts_of_tables(tables, uses, notes)


def _probability_uses(table: Table) -> dict[str, str]:
    return {column: "probability of a transmitter" for column in PROBABILITIES if table.has(column)}


def in_hemibrain_tables(path: Path, tables: list[Table]) -> str:
    """A phrase for tables in the layout of hemibrain v1.2, "" for others."""
    edges = _edge_tables(tables)
    return f"in the layout of hemibrain v1.2, also neuPrint's ({edges})" if edges and not _properties(tables) else ""


def in_neuprint_tables(path: Path, tables: list[Table]) -> str:
    """A phrase for an export of neuPrint, whose neurons have further properties, "" for others."""
    edges, properties = _edge_tables(tables), _properties(tables)
    if not edges or not properties:
        return ""
    return f"an export of neuPrint (neurons with {', '.join(properties[:6])}; {edges})"


def _edge_tables(tables: list[Table]) -> str:
    edges = [table for table in tables if is_total(table) or is_per_roi(table)]
    if _tell_more(tables, edges):
        return ""
    rois = "with" if any(map(is_per_roi, edges)) else "without"
    return f"connections in {names_of(edges)}, {rois} ROIs" if edges else ""


def _tell_more(tables: list[Table], edges: list[Table]) -> bool:
    """Whether rows or neurons tell what only an edge list can use.

    These are labels and transmitters of rows without a table of neurons that has them, signs, and kinds of synapses.
    """
    neurons = [table for table in tables if is_neurons(table)]
    have_transmitters = any(map(_transmitter_column, neurons)) or any(map(is_transmitters, tables))
    have_signs = any(map(tells_signs, neurons)) and not have_transmitters
    roles = ("sign", "synapse_type", "direction", *(() if have_transmitters else ("transmitter",)))
    tell = any(tells_role(role, table) for role in roles for table in edges)
    return tell or have_signs or (not neurons and any(map(tells_more, edges)))


def _properties(tables: list[Table]) -> list[str]:
    """The columns of the neurons that hemibrain v1.2 does not have, sorted."""
    neurons = [table for table in tables if is_neurons(table)]
    return sorted({name for table in neurons for name in table.columns} - {"bodyId", "type", "instance"})


HEMIBRAIN = Format(
    read_hemibrain,
    "hemibrain tables (bodyId_pre, bodyId_post, weight)",
    in_tables=in_hemibrain_tables,
    roi="ROIs joined by commas, or all",
    has_rois=True,
    has_counts=True,
    signs="predicted transmitters",
    needs="pyarrow, for parquet and feather",
    source="Scheffer et al. 2020; transmitters: Eckstein et al. 2024",
)
NEUPRINT_EXPORT = Format(
    read_hemibrain,
    "an export of neuPrint (the same columns, and more properties of neurons)",
    in_tables=in_neuprint_tables,
    roi="ROIs joined by commas, or all",
    has_rois=True,
    has_counts=True,
    signs="predicted transmitters",
    needs="pyarrow, for parquet and feather",
    source="Plaza et al. 2022",
)
