"""Any list of edges `pre,post,weight[,sign]` with a header, as CSV(.gz), TSV, parquet or feather -> Connectome.

Other spellings of the columns are in PRE, POST, WEIGHT and SIGN: those of male-CNS (`body_pre`) and of the whole-brain
model of Shiu et al. (`Presynaptic_ID,Postsynaptic_ID,Connectivity,Excitatory`) among them.
"""

from pathlib import Path

from randomnet.connectome import Connectome
from randomnet.formats.assembly import DEFAULTS, Columns, from_edges, read_rows
from randomnet.formats.files import FormatError
from randomnet.formats.options import Options
from randomnet.formats.record import Format
from randomnet.formats.signs import with_signs
from randomnet.formats.tables import Table, checksums, tables_in

PRE = ("pre", "pre_id", "body_pre", "presynaptic_id", "source", "from")
POST = ("post", "post_id", "body_post", "postsynaptic_id", "target", "to")
WEIGHT = ("weight", "count", "syn_count", "synapses", "connectivity")
SIGN = ("sign", "excitatory")
MISSING = "transmitters, which an edge list does not have: use auto (its column sign) or none"


def columns_of(table: Table) -> Columns | None:
    """The names of the columns of an edge list; None where it is not one. Raises FormatError where two fit."""
    found = [[column for column in table.columns if column.lower() in names] for names in (PRE, POST, WEIGHT, SIGN)]
    if not all(found[:3]):
        return None
    for part, names in zip(("pre", "post", "weight", "sign"), found, strict=True):
        if len(names) > 1:
            raise FormatError(f"{table}, row 1: expected one column of {part}, got {', '.join(names)}")
    pre, post, weight, sign = (names[0] if names else "" for names in found)
    return Columns(pre, post, weight, sign=sign, weight_kind="weight")


def read_edge_list(path: Path, options: Options = DEFAULTS) -> Connectome:
    """The neurons are all ids that the list names, sorted. The column `sign` (1, -1, 0), where there is one, is the
    sign of each edge, under sign_policy `auto`; `none` leaves it out. Raises FormatError."""
    options.refuse(path, roi="an edge list has no ROIs", rows="the columns say which neuron is presynaptic")
    table = _table(path)
    columns = columns_of(table)
    signed = bool(columns.sign) and options.sign_policy == "auto"
    if not signed:
        columns = Columns(columns.pre, columns.post, columns.weight, weight_kind="weight")
    rows = read_rows(table, columns)
    name = path.name.split(".")[0] or "edges"
    notes = {"source": "edge list", "synthetic": False, "rows_read": rows.read, "files": checksums([table])}
    connectome = from_edges(name, rows.pre, rows.post, rows.weights, provenance=notes, options=options, file=table)
    return with_file_signs(connectome) if signed else with_signs(connectome, options.sign_policy, missing=MISSING)


def with_file_signs(connectome: Connectome) -> Connectome:
    """Signed as the file has it, with how many neurons have none, or both."""
    silent = int((connectome.signs == 0).sum()) - connectome.mixed
    notes = {"sign_policy": "as in the file", "neurons_without_sign": silent, "neurons_of_both_signs": connectome.mixed}
    return connectome.replace(connectome.weights, **notes)


def _table(path: Path) -> Table:
    tables = tables_in(path)
    found = [table for table in tables if columns_of(table)]
    if len(found) == 1:
        return found[0]
    came = ", ".join((tables[0].columns or (tables[0].kind or "no table",))[:12]) if len(tables) == 1 else len(found)
    raise FormatError(f"{path}: expected one edge list with columns pre, post, weight, got {came}")


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
    signs="the column sign",
    needs="pyarrow, for parquet and feather",
)
