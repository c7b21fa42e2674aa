"""`connectome`: a network of any format of the runner, with the options of [net], in memory."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from randomnet.build.connectome import connectome_of
from randomnet.connectome import Connectome, eigenvalues_of
from randomnet.description import as_text, describe, steps
from randomnet.display import Displayed
from randomnet.notebook.options import Options, keys_of, new_path, run_of, stored_array
from randomnet.schema.sections.network import BUILT_IN_ROIS
from randomnet.settings import nearest

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SECTIONS = ("net", "populations", "regions")
PATH, ROI, SOURCE, SEED = ("paths", "path_to_network"), ("net", "roi"), ("net", "source"), ("experiment", "seed")
NAMES = (*BUILT_IN_ROIS, "random")


class Facts(dict[str, Any]):
    """The facts of a connectome, which print as `--describe` prints them."""

    def __repr__(self) -> str:
        """The facts, one per line."""
        return as_text(self)


@dataclass(frozen=True, eq=False, repr=False)
class NotebookConnectome(Displayed, Connectome):
    """A `Connectome` with the options that made it, so that `network` builds from it what the runner builds.

    options: (section, key) -> value. iteration: which draw of a random network or null model. checksum: of the network
    as these options make it.
    """

    options: Mapping[tuple[str, str], Any] = field(default_factory=dict)
    iteration: int = 0
    checksum: str = ""

    def facts(self) -> Facts:
        """All facts that `--describe` has, as a dictionary: neurons, edges, degrees, weights, components, radius."""
        return Facts(describe(self.record()))

    def record(self) -> Connectome:
        """The plain `Connectome`."""
        names = [entry.name for entry in dataclasses.fields(Connectome)]
        return Connectome(**{name: getattr(self, name) for name in names})

    def null(self, name: str, seed: int | None = None) -> "NotebookConnectome":
        """A null model of the network, as `net.null = name` draws it with this `experiment.seed`.

        It is normalized and scaled as the network is. Raises ValueError for an unknown name, with the nearest.
        """
        _check_unchanged(self, "null")
        options = {**self.options, ("net", "null"): name} | ({} if seed is None else {SEED: seed})
        return _read("null()", options, self.iteration)

    def summary(self) -> str:
        """Name, neurons, edges, signs, and what was done to the network."""
        signs = self.signs
        counts = f"{(signs > 0).sum():,} excitatory, {(signs < 0).sum():,} inhibitory"
        density = len(self.weights) / max(1, self.n * (self.n - 1))
        changes = steps(self.provenance)
        synthetic = "synthetic" if self.provenance.get("synthetic") else ""
        parts = (f"{self.n:,} neurons ({counts})", f"{len(self.weights):,} edges (density {density:.2g})", changes)
        return f"{self.name}: {'; '.join(filter(None, [synthetic, *parts]))}"

    def __repr__(self) -> str:
        """One line."""
        return f"Connectome {self.summary()}"

    def frame(self) -> pd.DataFrame:
        """One row per edge: pre, post, weight."""
        return pd.DataFrame({"pre": self.names[self.pre], "post": self.names[self.post], "weight": self.weights})

    def neurons(self) -> pd.DataFrame:
        """One row per neuron: its name, sign, and a column for each kind of label."""
        labels = {kind: np.asarray(texts) for kind, texts in self.labels.items()}
        return pd.DataFrame({"name": self.names, "sign": self.signs, **labels})

    def _repr_html_(self) -> str:
        """The line alone, as a large network has millions of rows."""
        return f"<p>{escape(repr(self))}</p>"

    def plot(self, figure: str = "matrix") -> "Figure":
        """A figure of `--describe`: matrix, degrees, eigenvalues, or blocks (of populations).

        Raises ValueError for another name.
        """
        from randomnet.experiment.network_descriptions import figure_of  # here, as matplotlib takes 0.5 s to load
        from randomnet.notebook.drawings import shown

        return shown(figure_of(self.record(), figure))

    def eigenvalues(self) -> np.ndarray:
        """Eigenvalues of J, (N,) complex; of a large network some of the largest."""
        return eigenvalues_of(self.record()).values


def connectome(
    data: Any = None, /, *, seed: int | None = None, iteration: int = 0, **options: Any
) -> NotebookConnectome:
    """The connectome that the runner uses with these options of [net], in memory.

    data: the path of a file or folder of any format (`paths.path_to_network`); the name of a built-in region; random;
    a matrix (N, N) as a NumPy array, tensor or DataFrame, or a table of edges as a DataFrame; or a `Connectome`, whose
    weights are final. A row of a matrix is a presynaptic neuron; with rows="target" it is a postsynaptic one, as in
    J[post, pre]. None: what the options name, such as source="populations".
    seed: `experiment.seed`. iteration: the draw of a random network or null model. options: those of [net],
    [populations] and [regions], by name.

    Raises TypeError for an unknown option, and ValueError for a wrong value, with the nearest name.

    >>> import randomnet as rn
    >>> c = rn.connectome("EB", normalization="sinkhorn", g=3)
    >>> c
    Connectome EB: synthetic; 436 neurons (259 excitatory, 177 inhibitory); 29,012 edges (density 0.15); ...
    >>> c.facts()["edges"], len(c.null("degree", seed=1).weights)
    (29012, 29012)
    """
    written = dict(keys_of("connectome()", options, SECTIONS, ("seed", "iteration")))
    written |= {} if data is None else _place_of(data, written)
    written |= {} if seed is None else {SEED: seed}
    return _read("connectome()", written, iteration)


def options_of(network: Connectome) -> Options:
    """The options that make this connectome: those that made it, or those that read it from a file of its own."""
    if isinstance(network, NotebookConnectome) and network.checksum == network.sha256():
        return network.options
    return {PATH: str(_saved(network))}


def _read(function: str, options: Options, iteration: int) -> NotebookConnectome:
    record = connectome_of(run_of(function, "train", options, iteration))
    parts = {entry.name: getattr(record, entry.name) for entry in dataclasses.fields(Connectome)}
    return NotebookConnectome(**parts, options=options, iteration=iteration, checksum=record.sha256())


def _place_of(source: Any, options: Options) -> dict[tuple[str, str], Any]:
    """The options that name a source."""
    if isinstance(source, Connectome):
        return dict(options_of(source))
    if isinstance(source, pd.DataFrame):
        return {PATH: str(_table(source))}
    if hasattr(source, "detach") or isinstance(source, (np.ndarray, list)):
        return {PATH: str(stored_array(_matrix(source)))}
    if not isinstance(source, (str, Path)):
        raise TypeError(
            f"connectome(): expected a path, a name, a matrix, a DataFrame or a Connectome, got {type(source).__name__}"
        )
    if ROI not in options and str(source) in NAMES and not Path(source).exists():
        return {ROI: str(source)}
    missing = not str(source).strip() or not Path(source).expanduser().exists()
    if missing and options.get(SOURCE) != "neuprint":
        expected = f"connectome(): expected a file, a folder, or one of {', '.join(NAMES)}"
        raise ValueError(f"{expected}, got {str(source)!r}{nearest(str(source), NAMES)}")
    return {PATH: str(source)}


def _matrix(source: Any) -> np.ndarray:
    """A matrix as an array. Raises ValueError for another shape."""
    try:
        array = source.detach().cpu().numpy() if hasattr(source, "detach") else np.asarray(source)
    except ValueError:
        raise ValueError("connectome(): expected a matrix (N, N), got rows of different lengths") from None
    if array.ndim not in (2, 3) or array.shape[0] != array.shape[1]:
        raise ValueError(f"connectome(): expected a matrix (N, N), got shape {array.shape}")
    return array


def _table(frame: pd.DataFrame) -> Path:
    """The path of a file with the table: a matrix with the names of its rows and columns, or a table of edges."""
    path, is_matrix = new_path("table.csv"), len(frame) == frame.shape[1] and list(frame.index) == list(frame.columns)
    frame.to_csv(path, index=is_matrix)
    return path


def _saved(network: Connectome) -> Path:
    """The path of a file with the network."""
    path = new_path("connectome.npz")
    network.save(path)
    return path


def _check_unchanged(network: NotebookConnectome, method: str) -> None:
    """Raise ValueError for a network that was changed since it was read."""
    if network.checksum != network.sha256():
        raise ValueError(
            f"{method}(): expected a connectome as it was read, got one that was changed since; "
            "read it again: connectome(changed)"
        )
