"""The predecessors' folders behind the readers' one signature: FlyStability's ROIs and bio2art's region matrices."""

from pathlib import Path

import numpy as np

from randomnet.connectome import Connectome
from randomnet.formats.edges import DEFAULTS, assemble
from randomnet.formats.options import Options
from randomnet.formats.reading import FormatError
from randomnet.formats.record import Format
from randomnet.formats.regions import is_known_region_matrix, read_region_matrix, region_matrices
from randomnet.formats.roi import ADJACENCY, read_roi_folder, roi_folders
from randomnet.formats.signs import with_signs
from randomnet.formats.tables import Table
from randomnet.settings import nearest


def is_roi_folder(path: Path) -> bool:
    """Whether a folder is one ROI of FlyStability."""
    return (path / ADJACENCY[0]).is_file()


def read_flystability(path: Path, options: Options = DEFAULTS) -> Connectome:
    """A ROI folder, or the one named `options.roi` in a folder of them; signs by its vector (`ei`, which is `auto`),
    or by its transmitters under the other policies. Raises FormatError."""
    several = roi_folders(path) if path.is_dir() and not is_roi_folder(path) else []
    folder = path / _chosen(path, options.roi, several) if several else path
    if not several and options.roi not in ("", path.name):
        raise FormatError(f"{path}: expected no roi or {path.name}, as it is one ROI, got {options.roi!r}")
    connectome = read_roi_folder(folder, "source" if options.rows == "auto" else options.rows)
    dropped = connectome.provenance["autapses_dropped"]
    if dropped and not options.drop_autapses:
        raise FormatError(f"{folder}: expected drop_autapses, as a ROI folder is read without them, got {dropped}")
    if options.sign_policy in ("auto", "ei"):
        notes = {"sign_policy": "ei"}
        return _filtered(folder, connectome.replace(connectome.weights, **notes), options, dropped)
    unsigned = connectome.replace(np.abs(connectome.weights))
    return with_signs(_filtered(folder, unsigned, options, dropped), options.sign_policy)


def read_bio2art(path: Path, options: Options = DEFAULTS) -> Connectome:
    """One C_<name>.npy, or the matrix `options.roi` of a folder of them, unsigned. Raises FormatError."""
    if options.sign_policy not in ("auto", "none"):
        raise FormatError(f"{path}: expected sign_policy = none for regions, got {options.sign_policy!r}")
    if path.is_dir():
        folder, name = path, _chosen(path, options.roi, region_matrices(path))
    else:
        options.refuse(path, roi="it is one matrix")
        folder, name = path.parent, path.stem.removeprefix("C_")
        if not path.name.startswith("C_"):
            raise FormatError(f"{path}: expected a region matrix named C_<name>.npy, got {path.name}")
    connectome = read_region_matrix(folder, name, options.rows)
    if options.min_synapses:  # a region's connection with itself is kept
        parts = (connectome.pre, connectome.post, connectome.weights, connectome.labels, connectome.provenance)
        options = Options(min_synapses=options.min_synapses, drop_autapses=False)
        connectome = assemble(name, connectome.names, *parts, options, path)
    return connectome.replace(connectome.weights, sign_policy="none")


def _chosen(path: Path, roi: str, known: list[str]) -> str:
    """`roi`, or the only one there is."""
    if not known:
        raise FormatError(f"{path}: expected region matrices C_<name>.npy, got none")
    if not roi and len(known) == 1:
        return known[0]
    if roi not in known:
        listed = ", ".join(known) or "none"
        raise FormatError(f"{path}: expected roi = one of {listed}, got {roi!r}{nearest(roi, known)}")
    return roi


def _filtered(folder: Path, connectome: Connectome, options: Options, autapses: int) -> Connectome:
    """Without the pairs below the threshold."""
    if not options.min_synapses:
        return connectome
    parts = (connectome.pre, connectome.post, connectome.weights, connectome.labels, connectome.provenance)
    filtered = assemble(connectome.name, connectome.names, *parts, options, folder)
    return filtered.replace(filtered.weights, autapses=autapses, autapses_dropped=autapses)


def in_flystability_folder(folder: Path) -> str:
    """A phrase for a ROI folder of FlyStability or a folder of them, "" for others."""
    if is_roi_folder(folder):
        return "a ROI folder of FlyStability (adjacency_scc.npy)"
    names = roi_folders(folder)
    return f"a folder of FlyStability ROI folders: {', '.join(names[:8])}" if names else ""


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
FLYSTABILITY = Format(
    read_flystability,
    "ROI folders of FlyStability (adjacency_scc.npy)",
    in_folder=in_flystability_folder,
    roi="the folder",
    has_counts=True,
    signs="the 0/1 vector of the folder (ei)",
    source="FlyStability",
)
