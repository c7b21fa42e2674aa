"""Edge lists `pre,post,weight[,sign]` with a header -> Connectome; as CSV(.gz), TSV, parquet or feather.

PRE, POST, WEIGHT and SIGN have the known spellings of the columns. Among them are those of male-CNS (`body_pre`) and
of the whole-brain model of Shiu et al. (`Presynaptic_ID,Postsynaptic_ID,Connectivity,Excitatory`).
"""

from pathlib import Path

from randomnet.connectome import Connectome
from randomnet.formats.assembly import DEFAULTS, Columns, from_edges, read_rows
from randomnet.formats.files import FormatError
from randomnet.formats.interpretation import with_file_signs
from randomnet.formats.options import Options
from randomnet.formats.record import Format
from randomnet.formats.signs import with_signs
from randomnet.formats.tables import Table, checksums, listed, tables_in

PRE = ("pre", "pre_id", "body_pre", "presynaptic_id", "source", "from")
POST = ("post", "post_id", "body_post", "postsynaptic_id", "target", "to")
WEIGHT = ("weight", "count", "syn_count", "synapses", "connectivity")
SIGN = ("sign", "excitatory")
MISSING = "transmitters, which an edge list does not have: use auto (its column sign) or none"


def columns_of(table: Table) -> Columns | None:
    """The columns of an edge list; None for other tables. Raises FormatError where two columns fit."""
    matches = [[column for column in table.columns if column.lower() in names] for names in (PRE, POST, WEIGHT, SIGN)]
    if not all(matches[:3]):
        return None
    for part, names in zip(("pre", "post", "weight", "sign"), matches, strict=True):
        if len(names) > 1:
            raise FormatError(f"{table}, row 1: expected one column of {part}, got {', '.join(names)}")
    pre, post, weight, sign = (names[0] if names else "" for names in matches)
    return Columns(pre, post, weight, sign=sign, weight_kind="weight")


def read_edge_list(path: Path, options: Options = DEFAULTS) -> Connectome:
    """The Connectome of an edge list; its neurons are all ids in the list, sorted.

    Under sign_policy `auto`, the optional column `sign` (1, -1, 0) is the sign of each edge; `none` ignores it. Raises
    FormatError.
    """
    options.refuse(path, roi="an edge list has no ROIs", rows="the columns say which neuron is presynaptic")
    table, columns = _table(path)
    is_signed = bool(columns.sign) and options.sign_policy == "auto"
    if not is_signed:
        columns = Columns(columns.pre, columns.post, columns.weight, weight_kind="weight")
    rows = read_rows(table, columns)
    name = path.name.split(".")[0] or "edges"
    notes = {"source": "edge list", "synthetic": False, "rows_read": rows.read, "files": checksums([table])}
    connectome = from_edges(name, rows.pre, rows.post, rows.weights, provenance=notes, options=options, file=table)
    return with_file_signs(connectome) if is_signed else with_signs(connectome, options.sign_policy, missing=MISSING)


def _table(path: Path) -> tuple[Table, Columns]:
    """The only edge list at a path, with its columns. Raises FormatError where there are none or several."""
    tables = tables_in(path)
    lists = [(table, columns) for table in tables if (columns := columns_of(table))]
    if len(lists) == 1:
        return lists[0]
    actual = listed(tables[0].columns or (tables[0].kind or "no table",)) if len(tables) == 1 else len(lists)
    raise FormatError(f"{path}: expected one edge list with columns pre, post, weight, got {actual}")


def in_edge_list_tables(path: Path, tables: list[Table]) -> str:
    """A phrase for one edge list, "" for none or several."""
    lists = [columns for table in tables if (columns := columns_of(table))]
    if len(lists) != 1:
        return ""
    names = (lists[0].pre, lists[0].post, lists[0].weight, lists[0].sign)
    return f"an edge list with columns {', '.join(filter(None, names))}"


EDGE_LIST = Format(
    read_edge_list,
    "an edge list (pre, post, weight[, sign])",
    in_tables=in_edge_list_tables,
    reads=("columns", "weight_column", "synapse_type", "labels", "variable"),
    signs="the column sign",
    needs="pyarrow, for parquet and feather",
)
