"""The door: which format is at a path, by its content, and the literal registry of readers, all of one signature.

`recognise` says what it found and why; `read_connectome` reads it. Never by file name alone, but for the folders of
FlyStability and bio2art, whose arrays have no headers.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from randomnet.config import nearest
from randomnet.connectome import Connectome
from randomnet.formats import arrow, edge_list, flywire, graph_files, graphs, hemibrain, matrices, neuprint
from randomnet.formats.edges import DEFAULTS
from randomnet.formats.folders import is_roi_folder, read_bio2art, read_flystability
from randomnet.formats.options import Options
from randomnet.formats.reading import FormatError, one_line
from randomnet.formats.regions import ORIENTATIONS, region_matrices
from randomnet.formats.roi import roi_folders
from randomnet.formats.tables import Table, tables_in

Reader = Callable[[Path, Options], Connectome]

FORMATS: dict[str, Reader] = {
    "hemibrain": hemibrain.read_hemibrain,
    "neuprint_export": hemibrain.read_hemibrain,
    "neuprint": neuprint.read_neuprint,
    "flywire": flywire.read_flywire,
    "edge_list": edge_list.read_edge_list,
    "matrix": matrices.read_matrix,
    "sparse": matrices.read_sparse,
    "graph": graphs.read_graph,
    "bio2art": read_bio2art,
    "flystability": read_flystability,
}
KNOWN = (
    "hemibrain or neuPrint tables (bodyId_pre, bodyId_post, weight), FlyWire Codex tables (pre_root_id, post_root_id, "
    "syn_count), an edge list (pre, post, weight[, sign]), a square matrix (.npy, .npz, scipy's sparse .npz, or .csv "
    "with ids as header row and first column, or of numbers alone), a graph (GraphML, or node-link JSON with nodes and "
    "links or edges), region matrices C_*.npy, or a ROI folder with adjacency_scc.npy"
)


class Found(NamedTuple):
    """What is at a path: the name of its format in FORMATS, and a sentence for the user."""

    format: str
    sentence: str


def recognise(path: Path) -> Found:
    """The format of a file, folder or archive by headers, shapes and keys. Raises FormatError listing what is known."""
    path = Path(path)
    with _in_one_line(path):
        found = _folder(path) if path.is_dir() else None
        if found is None:
            tables = tables_in(path)
            found = _tables(path, tables) or _array(path, tables)
        if found is None:
            raise FormatError(f"{path}: expected {KNOWN}, got {_contents(path)}")
    return Found(found[0], f"{path} is {found[1]}")


def read_connectome(path: Path, source: str = "auto", options: Options = DEFAULTS) -> Connectome:
    """The network at a path: `auto` recognises the format, another name of FORMATS insists on it.

    The provenance has the format and what was found. Raises FormatError, ValueError for an unknown source.
    """
    if source != "auto" and source not in FORMATS:
        known = ", ".join(["auto", *FORMATS])
        raise ValueError(f"source must be one of {known}, got {source!r}{nearest(source, FORMATS)}")
    path = Path(path)
    found = recognise(path) if source == "auto" else Found(source, f"{path} is read as {source}")
    with _in_one_line(path):
        connectome = FORMATS[found.format](path, options)
        for texts in (connectome.names, *connectome.labels.values()):
            "".join(texts.tolist()).encode()  # half a surrogate pair is no text, and could not be written to a result
    return connectome.replace(connectome.weights, format=found.format, found=found.sentence)


@contextmanager
def _in_one_line(path: Path) -> Iterator[None]:
    """What a file can make a reader or a library raise, as a FormatError; the error itself is kept as its cause."""
    try:
        yield
    except FormatError:
        raise
    except (ValueError, LookupError, TypeError, OverflowError, MemoryError, OSError, EOFError) as error:
        came = f"{type(error).__name__}: {one_line(error)[:200]}"
        raise FormatError(f"{path}: expected a file that can be read as a network, got {came}") from error


def _folder(path: Path) -> tuple[str, str] | None:
    if is_roi_folder(path):
        return "flystability", "a ROI folder of FlyStability (adjacency_scc.npy)"
    if folders := roi_folders(path):
        return "flystability", f"a folder of FlyStability ROI folders: {', '.join(folders[:8])}"
    if names := region_matrices(path):
        return "bio2art", f"a folder of region matrices (C_*.npy): {', '.join(names[:8])}"
    return None


def _tables(path: Path, tables: list[Table]) -> tuple[str, str] | None:
    """By the columns of the connections."""
    edges = [table for table in tables if hemibrain.is_total(table) or hemibrain.is_per_roi(table)]
    if edges:
        return _bodies(tables, edges)
    codex = [table for table in tables if flywire.is_connections(table)]
    if codex:
        return "flywire", f"FlyWire Codex tables, connections in {_listed(codex)}"
    lists = [columns for table in tables if (columns := edge_list.columns_of(table))]
    if len(lists) == 1:
        columns = lists[0]
        used = ", ".join(name for name in (columns.pre, columns.post, columns.weight, columns.sign) if name)
        return "edge_list", f"an edge list with columns {used}"
    return None


def _bodies(tables: list[Table], edges: list[Table]) -> tuple[str, str]:
    neurons = [table for table in tables if hemibrain.is_neurons(table)]
    more = sorted({name for table in neurons for name in table.columns} - {"bodyId", "type", "instance"})
    rois = "with" if any(map(hemibrain.is_per_roi, edges)) else "without"
    listed = f"connections in {_listed(edges)}, {rois} ROIs"
    if more:
        return "neuprint_export", f"an export of neuPrint (neurons with {', '.join(more[:6])}; {listed})"
    return "hemibrain", f"in the layout of hemibrain v1.2, also neuPrint's ({listed})"


def _array(path: Path, tables: list[Table]) -> tuple[str, str] | None:
    """One file that holds a matrix."""
    if len(tables) != 1:
        return None
    if path.is_dir():
        if inside := _array(tables[0].path, tables):
            raise FormatError(f"{path}: expected a file, got a folder of {inside[1]}: name the file {tables[0]}")
        return None
    table = tables[0]
    if table.kind in arrow.KINDS and not arrow.installed():
        raise arrow.needed(path, table.kind)
    if matrices.is_numbers(table):
        return "matrix", f"a CSV of numbers without ids, {len(table.columns)} in a row"
    if matrices.is_matrix_csv(table):
        n = len(table.columns) - 1
        return "matrix", f"a {n} x {n} matrix as CSV with its ids as header row and first column"
    if form := graph_files.form_of(table):
        return "graph", f"a graph as {form}"
    if table.kind == "npz":
        return _npz(path)
    return _npy(path) if table.kind == "npy" else None


def _npy(path: Path) -> tuple[str, str] | None:
    shape = matrices.shape_of(path)
    if len(shape) != 2 or shape[0] != shape[1]:
        return None
    named = path.name.startswith("C_")  # as bio2art's reader needs it; under another name it is a matrix, turned alike
    if named and path.stat().st_size < 1 << 20 and hashlib.sha256(path.read_bytes()).hexdigest()[:12] in ORIENTATIONS:
        return "bio2art", f"the region matrix {path.stem.removeprefix('C_')} of bio2art, known by its sha256"
    return "matrix", f"a dense {shape[0]} x {shape[1]} matrix"


def _npz(path: Path) -> tuple[str, str]:
    keys = matrices.keys_of(path)
    if matrices.is_sparse(keys):
        return "sparse", "a sparse matrix as scipy saves it"
    return "matrix", f"a .npz archive of arrays: {', '.join(keys[:8])}"


def _contents(path: Path) -> str:
    """What is there, for somebody whose file is not recognised."""
    tables = tables_in(path)
    if len(tables) == 1:
        return _about(tables[0])
    files = ", ".join(table.member or table.path.name for table in tables[:8]) or "nothing"
    return f"{len(tables)} files: {files}"


def _about(table: Table) -> str:
    if table.columns:
        return f"a table with columns {', '.join(table.columns[:12])}"
    if table.kind == "npy":
        return f"an array of shape {matrices.shape_of(table.path)}"
    return f"a {table.kind} file" if table.kind else "a file of no known kind"


def _listed(tables: list[Table]) -> str:
    return ", ".join(table.member or table.path.name for table in tables[:4])
