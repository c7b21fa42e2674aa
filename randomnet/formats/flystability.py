"""ROI folders of FlyStability -> Connectome: signed synapse counts with transmitters and cell body fibres."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from randomnet.connectome import Connectome, from_dense
from randomnet.formats.assembly import DEFAULTS, assemble
from randomnet.formats.contents import Part, recorded, unused
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
from randomnet.formats.options import Options
from randomnet.formats.record import Format
from randomnet.formats.signs import with_signs

TRANSMITTERS = ("gaba", "acetylcholine", "glutamate", "serotonin", "octopamine", "dopamine", "neither")

ADJACENCY = ("adjacency_scc.npy",)
IDS = ("nid_scc.npy",)
SIGNS = ("ei_neuron_types.npy", "ei_neuron.npy")
TRANSMITTER_FILES = ("neurotransmitter_assignments.pkl", "ei_neuron_types.pkl")
FIBER_FILES = ("cell_body_fiber_assignments.pkl", "cell_body_fiber_assignement.pkl")

# cell body fibres of the hemibrain, in the order of their codes in FlyStability
FIBERS = tuple(
    """
    PDM25 ADM09 PDM30 PDM24 PDL06 PDM10 PDM18 PDL19 ADL07 PDM07 ADL16 PDM15 PDL17 ADL09 PDM09 PDL07 PDM20 PDM08 PDL13
    PVL17 ADL04 ADL01 ADL24 PDL10 ADL14 AVM08 PDL25 ADL05 PDL14 ADL23 PDL11 AVM04 AVM07 PDM31 PDM05 ADL20 ADL10 ADL02
    PDL23 PDM04 PDM12 ADM04 ADL13 PDL27 ADL30 PVL04 ADM07 PDM22 ADM01 AVL08 PDM29 AVM13 PDL26 PVL06 ADM05 ADL25 PDM27
    ADL18 ADM02 ADM10 PDL01 PDL04 PDL24 PDL15 PDL16 AVL06 AVL23 ADL03 PDM11 PDL18 ADL15 ADL17 ADL11 ADL19 AVL18 PDL08
    AVM06 PDL22 PDM13 ADL12 PDL02 PDL03 ADL27 ADL22 AVM15 AVL10 PDM21 PDL28 PDL12 AVL12 AVL07 ADL29 ADL21 ADM11 PDL21
    PDM06 PVL20 PVL02 AVM03 AVL27 ADM12 ADM08 ADL06 PVL01 PVM12 ADL08 AVL13 AVL04 PVL10 PVL11 PVM03 PVM14 PVM09 PDM17
    PVL21 AVM14 AVL03 ADL28 AVL02 AVM02 PVL03 PVM11 AVM01 AVM18 PVL09 PDL09 PVM10 PVL12 PVL08 AVL01 PDM28 PVL13 ADM03
    PVL19 AVM17 AVL05 AVM16 PDM32 PDM26 PVL14 PVL05 AVL25 PVL18 PDM35 PDM16 PDM33 AVL11 AVM09 PDM34 PVM05 AVL14 AVM19
    PVL15 PVM08 PVM13 ADM06 PVM01 PDM14 PVM16 ADL26 PVL16 AVL20 PDM23 PVM15 AVL09 PVL07 PDM19 AVL16 PVM02 AVL26 AVM11
    PVM06 AVL19 AVL22 PVM04 AVL24 AVM20 PVM17 PVM07 AVM22 AVL17 AVL21 AVM21 AVM12 AVM05 AVL15
    """.split()  # noqa: SIM905 - a list of 186 lines says no more
)


def roi_folders(folder: Path) -> list[str]:
    """The names of subfolders that have an adjacency, sorted."""
    return sorted(path.name for path in folder.iterdir() if (path / ADJACENCY[0]).is_file())


def read_roi_folder(folder: Path, rows: str = "source") -> Connectome:
    """The signed Connectome of the five files of a FlyStability ROI folder, in either spelling of their names.

    rows: a row of the adjacency is the presynaptic (`source`) or the postsynaptic neuron (`target`). Self-connections
    are counted in the provenance and dropped. Raises FormatError with the file.
    """
    paths = {content: one_of(folder, names) for content, names in _FILES.items()}
    counts = square_matrix(paths["adjacency"])
    n = len(counts)
    ids = _vector(paths["ids"], n, "ids")
    excitatory = _vector(paths["signs"], n, "signs")
    if not np.isin(excitatory, (0, 1)).all():
        other = excitatory[~np.isin(excitatory, (0, 1))][0]
        raise FormatError(f"{paths['signs']}: expected 1 (excitatory) or 0 (inhibitory) per neuron, got {other}")
    if len(np.unique(ids)) < n:
        raise FormatError(f"{paths['ids']}: expected {n} different ids, got {len(np.unique(ids))}")
    autapses = int(np.count_nonzero(np.diag(counts)))
    np.fill_diagonal(counts, 0)
    weights = counts.T if rows == "source" else counts
    names = ids.astype(str)
    return from_dense(
        folder.name,
        weights * (2.0 * excitatory - 1.0),
        names,
        {
            "neurotransmitter": _assigned(paths["transmitters"], ids, TRANSMITTERS),
            "cell_fibers": _assigned(paths["fibers"], ids, FIBERS),
        },
        {
            "source": "FlyStability ROI folder",
            "synthetic": False,
            "rows": rows,
            "autapses_dropped": autapses,
            "files": checksums(paths.values()),
        },
    )


_FILES = {
    "adjacency": ADJACENCY,
    "ids": IDS,
    "signs": SIGNS,
    "transmitters": TRANSMITTER_FILES,
    "fibers": FIBER_FILES,
}


def _vector(path: Path, n: int, content: str) -> np.ndarray:
    """(N,) int64 of a .npy file; content: its name in errors. Raises FormatError."""
    vector = load_npy(path)
    if vector.shape != (n,):
        raise FormatError(f"{path}: expected {content} of shape ({n},), one per row of the matrix, got {vector.shape}")
    if vector.dtype.kind not in "uifb":
        raise FormatError(f"{path}: expected {content} as whole numbers, got dtype {vector.dtype}")
    with np.errstate(invalid="ignore"):
        whole = vector.astype(np.int64)
    if not (whole == vector).all():
        raise FormatError(f"{path}: expected {content} as whole numbers of 64 bits, got {vector[whole != vector][0]}")
    return whole


def _assigned(path: Path, ids: np.ndarray, codes: tuple[str, ...]) -> np.ndarray:
    """(N,) the label of every id, from a dictionary of names or of indices into `codes`. Raises FormatError."""
    assigned = load_pickle(path)
    if not isinstance(assigned, Mapping):
        raise FormatError(f"{path}: expected a dictionary id -> label, got {type(assigned).__name__}")
    try:
        by_id = {int(key): value for key, value in assigned.items()}
    except (TypeError, ValueError, OverflowError):
        by_id = {}
    if len(by_id) < len(assigned) or any(isinstance(key, float) and key != int(key) for key in assigned):
        keys = one_line(repr(list(assigned)[:3]))[:80]
        raise FormatError(f"{path}: expected a dictionary keyed by different whole-number ids, got {keys}")
    labels = []
    for identifier in ids.tolist():
        if identifier not in by_id:
            raise FormatError(f"{path}: expected a label for every id, got none for id {identifier}")
        labels.append(_label(path, by_id[identifier], codes))
    return np.array(labels)


def _label(path: Path, value: Any, codes: tuple[str, ...]) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (int, np.integer)) and 0 <= value < len(codes):
        return codes[value]
    actual = one_line(repr(value))[:80]
    raise FormatError(f"{path}: expected a name or a code from 0 to {len(codes) - 1}, got {actual}")


def _contents(folder: Path, policy: str) -> list[Part]:
    """What each file of a ROI folder is used as."""
    names = {content: one_of(folder, spellings).name for content, spellings in _FILES.items()}
    uses = {
        "adjacency": "weight",
        "ids": "names of neurons",
        "transmitters": "label neurotransmitter",
        "fibers": "label cell_fibers",
    }
    has_file_signs = policy in ("auto", "ei")
    signs = Part(names["signs"], "sign of the neuron's outgoing weights", "1 is excitatory, 0 inhibitory")
    known = [Part(names[content], use) for content, use in uses.items()]
    return [*known, signs if has_file_signs else unused(names["signs"], f"as sign_policy = {policy}")]


def is_roi_folder(path: Path) -> bool:
    """Whether the folder is one ROI of FlyStability."""
    return (path / ADJACENCY[0]).is_file()


def read_flystability(path: Path, options: Options = DEFAULTS) -> Connectome:
    """The Connectome of a ROI folder, or of the one named `options.roi` in a folder of them.

    Signs come from the vector of the folder (`ei`, also under `auto`), or from transmitters under other policies.
    Raises FormatError.
    """
    names = roi_folders(path) if path.is_dir() and not is_roi_folder(path) else []
    folder = path / selected_name(path, options.roi, names) if names else path
    if not names and options.roi not in ("", path.name):
        raise FormatError(f"{path}: expected no roi or {path.name}, as it is one ROI, got {options.roi!r}")
    connectome = read_roi_folder(folder, "source" if options.rows == "auto" else options.rows)
    dropped = connectome.provenance["autapses_dropped"]
    if dropped and not options.drop_autapses:
        raise FormatError(f"{folder}: expected drop_autapses, as a ROI folder is read without them, got {dropped}")
    contents = recorded(_contents(folder, options.sign_policy))
    if options.sign_policy in ("auto", "ei"):
        signed = connectome.replace(connectome.weights, sign_policy="ei", **contents)
        return _filtered(folder, signed, options, dropped)
    unsigned = connectome.replace(np.abs(connectome.weights), **contents)
    return with_signs(_filtered(folder, unsigned, options, dropped), options.sign_policy)


def _filtered(folder: Path, connectome: Connectome, options: Options, autapses: int) -> Connectome:
    """The connectome without pairs below min_synapses; autapses: how many were dropped before."""
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


FLYSTABILITY = Format(
    read_flystability,
    "ROI folders of FlyStability (adjacency_scc.npy)",
    in_folder=in_flystability_folder,
    roi="the folder",
    has_counts=True,
    signs="the 0/1 vector of the folder (ei)",
    source="FlyStability",
)
