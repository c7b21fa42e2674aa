"""Region matrices of bio2art -> Connectome: unsigned weights between regions, their names, and neuron densities."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from randomnet.connectome import Connectome, from_dense
from randomnet.formats.assembly import DEFAULTS, assemble
from randomnet.formats.contents import Part, recorded
from randomnet.formats.files import (
    FormatError,
    checksums,
    load_npy,
    load_pickle,
    one_line,
    one_of,
    selected_name,
    square_matrix,
)
from randomnet.formats.flystability import in_flystability_folder
from randomnet.formats.options import ROWS, Options
from randomnet.formats.record import Format
from randomnet.formats.tables.reading import Table


@dataclass(frozen=True)
class Orientation:
    """rows: a row of the matrix is the presynaptic (`source`) or postsynaptic region (`target`). because: why."""

    rows: str
    because: str


# Tracer fractions of an injected region, which is postsynaptic, sum to at most 1: this distinguishes rows from columns.
# The key is the start of the sha256 of the file, so that a matrix is recognised by content, not by name.
ORIENTATIONS: dict[str, Orientation] = {
    "98a0348f936e": Orientation("source", "undetermined from the data; bio2art says that rows are sources"),
    "6e1355b4cd92": Orientation("source", "the matrix is symmetric, so both readings are one"),
    "a035600c3145": Orientation("source", "the columns, and not the rows, sum to at most 1: they are the targets"),
    "399898de2f1a": Orientation("source", "the columns, and not the rows, sum to at most 1: they are the targets"),
    "6ef106c8f11e": Orientation("target", "the rows, and not the columns, sum to at most 1: they are the targets"),
    "779deaf06102": Orientation("source", "undetermined from the data; bio2art says that rows are sources"),
}
UNKNOWN = Orientation("source", "assumed for a file that is not one of those known; set rows if its rows are targets")


def region_matrices(folder: Path) -> list[str]:
    """The names of the matrices C_<name>.npy in the folder, sorted."""
    return sorted(path.stem.removeprefix("C_") for path in folder.glob("C_*.npy") if path.is_file())


def read_region_matrix(folder: Path, name: str, rows: str = "auto") -> Connectome:
    """The Connectome of regions of C_<name>.npy, with names from Names_<name>.lst and weights J[post, pre] >= 0.

    rows: a row of the file is presynaptic (`source`), postsynaptic (`target`), or `auto`: known for the matrices that
    bio2art ships, and `source` for others. The provenance has the orientation with its reason. Self-connections are
    kept. Without a file of names, regions are numbered. Raises FormatError with the file, ValueError for other `rows`.
    """
    if rows not in ROWS:
        raise ValueError(f"rows must be one of {', '.join(ROWS)}, got {rows!r}")
    path, names_path = one_of(folder, [f"C_{name}.npy"]), folder / f"Names_{name}.lst"
    matrix = square_matrix(path, "weights")
    has_names = names_path.is_file()
    names = _names(names_path, len(matrix)) if has_names else _numbered(len(matrix))
    orientation = _orientation(path) if rows == "auto" else Orientation(rows, "as set")
    return from_dense(
        name,
        matrix.T if orientation.rows == "source" else matrix,
        names,
        {"region": names},
        {
            "source": "bio2art region matrix",
            "synthetic": False,
            "rows": orientation.rows,
            "rows_because": orientation.because,
            "region_names": "as published" if has_names else f"numbered, as there is no {names_path.name}",
            "files": checksums([path, names_path] if has_names else [path]),
        },
    )


def read_densities(folder: Path, name: str, regions: np.ndarray) -> np.ndarray:
    """(N,) float64 > 0: neurons per mm^3 of each region, from ND_<name>.npy; regions: (N,) names in matrix order.

    Raises FormatError with the file and the regions without a positive density.
    """
    path = one_of(folder, [f"ND_{name}.npy"])
    densities = load_npy(path)
    if densities.shape != (len(regions),):
        expected = f"densities of shape ({len(regions)},), one per region"
        raise FormatError(f"{path}: expected {expected}, got {densities.shape}")
    if densities.dtype.kind not in "uif":
        raise FormatError(f"{path}: expected densities as numbers, got dtype {densities.dtype}")
    densities = densities.astype(np.float64)
    is_wrong = ~(np.isfinite(densities) & (densities > 0))
    if is_wrong.any():
        listed = ", ".join(
            f"{region} ({density:g})" for region, density in zip(regions[is_wrong], densities[is_wrong], strict=True)
        )
        raise FormatError(f"{path}: expected a density > 0 for every region, got none for {listed}")
    return densities


def _orientation(path: Path) -> Orientation:
    return ORIENTATIONS.get(hashlib.sha256(path.read_bytes()).hexdigest()[:12], UNKNOWN)


def _numbered(n: int) -> np.ndarray:
    return np.array([f"region{number:0{len(str(n - 1))}d}" for number in range(n)])


def _names(path: Path, n: int) -> np.ndarray:
    """(n,) names from a pickled list, or from a text with one name per line. Raises FormatError."""
    data = path.read_bytes()
    # pickles start with \x80; before protocol 2 with a list or a call, and they end with a full stop
    is_pickle = data[:1] == b"\x80" or (data[:1] in (b"(", b"]", b"c") and data[-1:] == b".")
    names = load_pickle(path, "a pickled list of names") if is_pickle else _lines(path, data)
    if not isinstance(names, list):
        raise FormatError(f"{path}: expected a list of names, got {type(names).__name__}")
    for name in names:
        if not isinstance(name, str) or not name or not name.isprintable():
            raise FormatError(f"{path}: expected names as texts, got {one_line(repr(name))[:80]}")
    if len(names) != n or len(set(names)) != n:
        actual = f"{len(names)} ({len(set(names))} different ones)"
        raise FormatError(f"{path}: expected {n} different names, one per region, got {actual}")
    return np.array(names)


def _lines(path: Path, data: bytes) -> list[str]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormatError(f"{path}: expected a pickled list or a text of one name per line, got {error}") from None
    return [line.strip() for line in text.strip().splitlines()]


def is_known_region_matrix(path: Path) -> bool:
    """Whether a file C_*.npy is one of the matrices that bio2art ships, by its sha256.

    Under another name the file is a plain matrix, with rows and columns read alike.
    """
    is_small = path.name.startswith("C_") and path.stat().st_size < 1 << 20
    return is_small and hashlib.sha256(path.read_bytes()).hexdigest()[:12] in ORIENTATIONS


def read_bio2art(path: Path, options: Options = DEFAULTS) -> Connectome:
    """The unsigned Connectome of one C_<name>.npy, or of the matrix `options.roi` in a folder. Raises FormatError."""
    if options.sign_policy not in ("auto", "none"):
        raise FormatError(f"{path}: expected sign_policy = none for regions, got {options.sign_policy!r}")
    if path.is_dir():
        folder, name = path, selected_name(path, options.roi, region_matrices(path))
    else:
        options.refuse(path, roi="it is one matrix")
        folder, name = path.parent, path.stem.removeprefix("C_")
        if not path.name.startswith("C_"):
            raise FormatError(f"{path}: expected a region matrix named C_<name>.npy, got {path.name}")
    connectome = read_region_matrix(folder, name, options.rows)
    if options.min_synapses:  # self-connections of regions are kept
        parts = (connectome.pre, connectome.post, connectome.weights, connectome.labels, connectome.provenance)
        options = Options(min_synapses=options.min_synapses, drop_autapses=False)
        connectome = assemble(name, connectome.names, *parts, options, path)
    return connectome.replace(connectome.weights, sign_policy="none", **recorded(_contents(folder, name)))


def _contents(folder: Path, name: str) -> list[Part]:
    """What each file of a region matrix is used as, of those that are there."""
    uses = {f"C_{name}.npy": "weight", f"Names_{name}.lst": "names of regions",
            f"ND_{name}.npy": "densities of neurons, by [net] density_scaling"}  # fmt: skip
    return [Part(file, use) for file, use in uses.items() if (folder / file).is_file()]


def in_bio2art_folder(folder: Path) -> str:
    """A phrase for a folder of region matrices, "" for others."""
    names = [] if in_flystability_folder(folder) else region_matrices(folder)
    return f"a folder of region matrices (C_*.npy): {', '.join(names[:8])}" if names else ""


def in_bio2art_file(path: Path, tables: list[Table]) -> str:
    """A phrase for one of the matrices that bio2art ships, "" for others."""
    is_npy = len(tables) == 1 and tables[0].kind == "npy" and not path.is_dir()
    if not is_npy or not is_known_region_matrix(path):
        return ""
    return f"the region matrix {path.stem.removeprefix('C_')} of bio2art, known by its sha256"


BIO2ART = Format(
    read_bio2art,
    "region matrices of bio2art (C_*.npy)",
    in_folder=in_bio2art_folder,
    in_tables=in_bio2art_file,
    roi="the matrix C_<roi>.npy",
    signs="none",
    source="Goulas et al., bio2art",
)
