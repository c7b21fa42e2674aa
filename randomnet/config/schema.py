"""Every option of the INI, once: name, kind of value, default, who reads it, and the sentence that explains it.

A section is a frozen dataclass, an option one of its fields. `--help-config` prints this module; the reader parses
with it; a results folder records it. Names of registries (activations, losses, ...) are repeated here because this
floor knows no other; a test holds each list against its registry.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from randomnet.config.values import (
    Boolean,
    Choice,
    CountOrShare,
    Counts,
    Integer,
    Number,
    Share,
    Target,
    Value,
)

KINDS = ("train", "benchmark")
BUILT_IN_ROIS = ("AB", "EB", "PB", "NO", "ATL")
TRAINED = ("weights", "gains", "shifts")


@dataclass(frozen=True)
class Option:
    """What the schema knows of one option besides its name and default.

    kinds: the experiment kinds that read it. only: (condition in words, predicate of the Config); where the predicate
    is false the option is not read. identity: whether the results depend on it, so that it may not change on resume.
    grid: whether combos_params may list it.
    """

    value: Value
    says: str
    aliases: tuple[str, ...]
    kinds: tuple[str, ...]
    only: tuple[str, Callable[["Config"], bool]] | None
    identity: bool
    grid: bool


def option(
    value: Value,
    default: Any,
    says: str,
    *,
    aliases: tuple[str, ...] = (),
    kinds: tuple[str, ...] = KINDS,
    only: tuple[str, Callable[["Config"], bool]] | None = None,
    identity: bool = True,
    grid: bool | None = None,
) -> Any:
    """A dataclass field that carries its Option; what results do not depend on is no axis, unless `grid` says so."""
    axis = identity if grid is None else grid
    return field(default=default, metadata={"option": Option(value, says, aliases, kinds, only, identity, axis)})


TRAIN = ("train",)
RANDOM_ONLY = ("net.roi = random", lambda config: config.net.roi == "random")
SINKHORN_ONLY = ("net.normalization = sinkhorn", lambda config: config.net.scaling == "sinkhorn")
MEASURED_ONLY = ("paths.path_to_network is set", lambda config: bool(config.paths.path_to_network))
TARGETED = ("trainvalidate.loss = l2 or mse", lambda config: config.trainvalidate.loss != "sinai")
TEN_PERCENT = Share(10.0)
BY_CHOICE = ("net.roi is not random", lambda config: config.net.roi != "random")


@dataclass(frozen=True)
class ExperimentSection:
    """[experiment] What is done."""

    kind: str = option(Choice(KINDS), "train", "What every run does.", grid=False)
    name: str = option(Value(), "experiment", "A title for figures and the manifest.", identity=False)
    seed: int = option(
        Integer(0),
        0,
        "The one seed; network, weights, initial state and basis of iteration i follow from (seed, i).",
        grid=False,
    )


@dataclass(frozen=True)
class PathsSection:
    """[paths] Where things are; relative paths start at the folder the command is run in."""

    path_to_network: str = option(
        Value(),
        "",
        "Folder that holds one sub-folder per measured ROI; empty = the built-in synthetic ROIs.",
        only=BY_CHOICE,
        identity=False,
        grid=True,
    )
    path_to_results: str = option(Value(), "results", "Folder the results go to; made if missing.", identity=False)
    pretrained: str = option(
        Value(),
        "",
        "Results folder (or one model.pt) of an earlier run whose last trained model each run starts from.",
        kinds=TRAIN,
    )


@dataclass(frozen=True)
class NetSection:
    """[net] The connectome."""

    roi: str = option(
        Value(),
        "EB",
        f"Brain region: {', '.join(BUILT_IN_ROIS)} (built-in, synthetic), a sub-folder of path_to_network, or random.",
        aliases=("net_name",),
    )
    source: str = option(Choice(("auto",)), "auto", "Where the network comes from; auto recognises it.")
    rows: str = option(
        Choice(("source", "target")),
        "source",
        "What a row of the ROI folder's adjacency is: the presynaptic (source) or the postsynaptic neuron.",
        only=MEASURED_ONLY,
    )
    n: int = option(Integer(2, 100_000), 100, "Neurons of a random network.", only=RANDOM_ONLY)
    g: float = option(
        Number(0, above=True),
        1.0,
        "Coupling: random weights are N(0, g^2/N); other networks are multiplied by g after normalization.",
    )
    normalization: str = option(
        Choice(("auto", "sinkhorn", "spectral_radius", "none")),
        "auto",
        "sinkhorn: E and I inputs of each neuron sum to 0.5 each; spectral_radius: largest |eigenvalue| 1; "
        "none: as counted; auto: sinkhorn, none for random.",
    )
    sinkhorn_iterations: int = option(
        Integer(1), 10, "Sinkhorn sweeps (columns, then rows) at most.", only=SINKHORN_ONLY
    )
    sinkhorn_tolerance: float = option(
        Number(0), 1e-6, "Sinkhorn stops when no column sum is further off than this share.", only=SINKHORN_ONLY
    )
    dales_law: bool | str = option(
        Boolean(words=("auto",)),
        "auto",
        "True: every neuron has one sign and training keeps it; auto: training keeps the sign each edge starts "
        "with; False: trained weights may change sign.",
    )
    rnn_size: int = option(Integer(1), 0, "Regions of a region-level network.", kinds=())
    nr_neurons: int = option(Integer(1), 0, "Neurons per region of a region-level network.", kinds=())
    rand_partition: bool = option(Boolean(), False, "Split a region's weight at random over its neurons.", kinds=())
    random_w: bool = option(Boolean(), False, "Shuffle the region-level network.", kinds=())

    @property
    def scaling(self) -> str:
        """The normalization that is meant: `auto` resolved."""
        if self.normalization == "auto":
            return "none" if self.roi == "random" else "sinkhorn"
        return self.normalization


@dataclass(frozen=True)
class ModelSection:
    """[model] The dynamics."""

    activation: str = option(
        Choice(
            ("tanh", "tanh_stretched", "tanh_positive", "relu", "softplus", "sigmoid", "linear"),
            {
                "std": "tanh",
                "tanh_streched": "tanh_stretched",
                "tanh_strech": "tanh_stretched",
                "strech": "tanh_stretched",
                "streched": "tanh_stretched",
                "stretch": "tanh_stretched",
                "pos": "tanh_positive",
                "tanh_pos": "tanh_positive",
                "identity": "linear",
            },
        ),
        "tanh_positive",
        "Nonlinearity phi(gain (x - shift)); tanh is the one without gain and shift.",
        aliases=("nonlinearity",),
    )
    dt: float = option(Number(0, 1, above=True), 0.1, "Euler step in units of tau; 1 is the discrete map.")
    form: str = option(
        Choice(("current", "rate")),
        "current",
        "current: h <- (1-dt) h + dt J phi(h); rate: r <- (1-dt) r + dt phi(J r).",
    )
    groups: str = option(
        Choice(
            ("neuron", "neurotransmitter", "cell_fibers"),
            {"cell_fibres": "cell_fibers", "cell_fiber": "cell_fibers", "neurons": "neuron"},
        ),
        "neuron",
        "Which neurons share one gain and one shift.",
        aliases=("subpopulation",),
    )


@dataclass(frozen=True)
class LyapunovSection:
    """[lyapunov] The spectrum; times in units of tau, exponents per tau, natural logarithm."""

    nle: int | Share = option(CountOrShare(), TEN_PERCENT, "How many leading exponents the loss sees.")
    tsim: float = option(Number(0, above=True), 200.0, "Time over which exponents are averaged, after the transients.")
    tons: float | str = option(
        Number(0, above=True, words=("adaptive",)), 0.2, "Time between reorthonormalisations (QR)."
    )
    transient: float = option(Number(0), 10.0, "Time the state settles before the frame starts.")
    frame_transient: float = option(Number(0), 10.0, "Time the frame settles, with QR, before averaging starts.")
    target: float | tuple[float, float] | str = option(
        Target(),
        0.0,
        "What the exponents are trained to: one value, a curve spread over them, or a file of N values.",
        kinds=TRAIN,
        only=TARGETED,
    )


@dataclass(frozen=True)
class TrainValidateSection:
    """[trainvalidate] The training."""

    loss: str = option(
        Choice(("l2", "mse", "sinai"), {"l2norm": "l2", "entropy": "sinai"}),
        "mse",
        "l2: norm of (exponents - target); mse: mean square of it; sinai: the sum of positive exponents, maximised.",
        kinds=TRAIN,
    )
    optimizer: str = option(Choice(("Adam", "RMSprop", "SGD", "AdamW")), "Adam", "PyTorch's, with its defaults.")
    lr: float = option(Number(0, above=True), 0.01, "Learning rate.")
    epochs: int = option(Integer(1, 10_000_000), 10, "Updates of the parameters.", kinds=TRAIN)
    iterations: int = option(
        Integer(1, 100_000),
        1,
        "Repeats of every combo, each with its own seed.",
        aliases=("n_samples",),
        identity=False,
    )
    train_weights: bool = option(Boolean(), False, "Train the weights of the edges that exist.")
    train_gains: bool = option(Boolean(), True, "Train one gain per group.")
    train_shifts: bool = option(Boolean(), True, "Train one shift per group.")
    number_param: str | int | tuple[int, int, int] = option(
        Counts(),
        "all",
        "How many entries may move, chosen by seed: of each trained parameter, or of weights, gains, shifts.",
        kinds=TRAIN,
    )
    clip_norm: float = option(
        Number(0, above=True), 2000.0, "Each parameter's gradient is clipped to this L2 norm.", kinds=TRAIN
    )
    early_stopping: int = option(
        Integer(0), 0, "Stop after this many epochs without a better loss; 0 = never.", kinds=TRAIN
    )
    precision: str = option(
        Choice(("float32", "float64")), "float32", "Of the training; reported spectra are always float64."
    )


@dataclass(frozen=True)
class CombosParamsSection:
    """[combosparams] The grid."""

    combos_params: str = option(
        Value(),
        "{}",
        'JSON such as {"lr": [0.1, 0.01], "nle": ["5%", "10%"]}: the cartesian product of these values, of any option, '
        "by its key or as section.key.",
        identity=False,
    )


@dataclass(frozen=True)
class ExecutionSection:
    """[execution] How the runs are carried out; results do not depend on workers or checkpoints."""

    workers: int | str = option(
        Integer(1, 4096, words=("auto",)),
        "auto",
        "Runs at the same time, each a process; auto = cores.",
        identity=False,
    )
    device: str = option(Choice(("auto", "cpu", "cuda")), "auto", "auto = cuda where there is one.")
    threads: int = option(Integer(1, 1024), 1, "Threads per worker.", grid=False)
    checkpoint_every: int = option(
        Integer(1), 10, "Epochs between checkpoints, from which a killed run goes on.", kinds=TRAIN, identity=False
    )


@dataclass(frozen=True)
class Config:
    """One combination of all options, checked; the only thing a kind unpacks."""

    experiment: ExperimentSection = field(default_factory=ExperimentSection)
    paths: PathsSection = field(default_factory=PathsSection)
    net: NetSection = field(default_factory=NetSection)
    model: ModelSection = field(default_factory=ModelSection)
    lyapunov: LyapunovSection = field(default_factory=LyapunovSection)
    trainvalidate: TrainValidateSection = field(default_factory=TrainValidateSection)
    combosparams: CombosParamsSection = field(default_factory=CombosParamsSection)
    execution: ExecutionSection = field(default_factory=ExecutionSection)

    @property
    def trained(self) -> tuple[str, ...]:
        """Which of weights, gains, shifts are trained, in that order."""
        return tuple(name for name in TRAINED if getattr(self.trainvalidate, f"train_{name}"))

    def settings(self) -> dict[str, Any]:
        """Every option that this run's results depend on, as `section.key` -> plain value."""
        return {
            f"{section}.{key}": _plain(getattr(getattr(self, section), key))
            for section, key, about in options()
            if about.identity and is_read(about, self)
        }


def sections() -> dict[str, type]:
    """Section name -> its dataclass, in the order of the INI."""
    return {entry.name: entry.default_factory for entry in dataclasses.fields(Config)}  # type: ignore[misc]


def options() -> list[tuple[str, str, Option]]:
    """Every (section, key, Option), in the order of the INI."""
    return [
        (section, entry.name, entry.metadata["option"])
        for section, kind in sections().items()
        for entry in dataclasses.fields(kind)
    ]


def is_read(about: Option, config: Config) -> bool:
    """Whether a run with this config reads the option."""
    return config.experiment.kind in about.kinds and (about.only is None or about.only[1](config))


def _plain(value: Any) -> Any:
    if isinstance(value, Share):
        return str(value)
    return list(value) if isinstance(value, tuple) else value
