"""What the schema knows of an option, and the conditions under which options are read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from randomnet.config.chained import steps_of
from randomnet.config.values import Share, Value

BUILT = ("train", "spectrum", "convergence", "transition", "analyse", "stimulate", "simulate", "benchmark")
RUN = (*BUILT, "record", "fit", "compare")  # of which the first build the network that [net] describes
KINDS = (*RUN, "pipeline")  # the last of which has no runs of its own, but experiments
BUILT_IN_ROIS = ("AB", "EB", "PB", "NO", "ATL")
TRAINED = ("weights", "gains", "shifts")
COMPARED = (  # what inferred dynamics are judged by
    "rate_r2",
    "state_r2",
    "cycle_con",
    "bps",
    "co_bps",
    "input_r2",
    "procrustes",
    "dsa",
    "fixed_points",
    "eigenvalues",
    "memories",
    "spectrum",
)
FORMATS = (
    "hemibrain",
    "neuprint_export",
    "neuprint",
    "flywire",
    "edge_list",
    "matrix",
    "sparse",
    "graph",
    "bio2art",
    "flystability",
)
MADE = ("populations", "regions")  # sources of networks that are described, not measured
KEPT = ("currents", "slow", "adaptation", "u", "x", "input_u", "input_x", "noise", "overlaps")  # of a simulation
PATTERNS = ("constant", "cosine", "gaussian", "random", "xi1", "xi2", "xi3", "xi4")
KERNELS = ("uniform", "cosine", "spec", "von_mises", "low_rank", "gaussian")
SCALINGS = (
    "sinkhorn",
    "balanced",
    "input_fraction",
    "in_degree",
    "log1p",
    "spectral_radius",
    "abscissa",
    "frobenius",
)
POLICIES = ("auto", "shiu", "strict", "expected", "ei", "none")
NULLS = (
    "degree",
    "degree_undirected",
    "boundary",
    "distance",
    "group",
    "erdos",
    "random_w",
    "weights",
    "weights_sign",
    "weights_group",
    "sign",
    "gaussian",
    "dense",
    "transposed",
)


Condition = tuple[str, Callable[[Any], bool]]
UNSET = object()


@dataclass(frozen=True)
class Option:
    """What the schema knows of one option besides its name and default.

    kinds: the experiment kinds that read it; None: those of its section. only, where: the option's own condition, and
    that of its section, (in words, predicate of the Config); where one is false it is not read. identity: whether the
    results depend on it, so that it may not change on resume. grid: whether combos_params may list it. defaults: the
    default where it differs: of the experiment kinds, of experiments with a task (`task`), of single tasks, and of the
    models of kind = fit. neutral: the value that results folders have which were written before there was the option;
    `UNSET` for an option that has always been there.
    """

    value: Value
    says: str
    aliases: tuple[str, ...]
    kinds: tuple[str, ...] | None
    only: Condition | None
    identity: bool
    grid: bool
    defaults: Mapping[str, Any]
    where: Condition | None = None
    neutral: Any = UNSET


def option(
    value: Value,
    default: Any,
    says: str,
    *,
    aliases: tuple[str, ...] = (),
    kinds: tuple[str, ...] | None = None,
    only: Condition | None = None,
    identity: bool = True,
    grid: bool | None = None,
    defaults: Mapping[str, Any] | None = None,
    neutral: Any = UNSET,
) -> Any:
    """A dataclass field that carries its Option; what results do not depend on is no axis, unless `grid` says so."""
    axis = identity if grid is None else grid
    about = Option(value, says, aliases, kinds, only, identity, axis, defaults or {}, neutral=neutral)
    return field(default=default, metadata={"option": about})


class Section:
    """What a section of the INI says of its options: read_by, the kinds that read those that name none; where, a
    condition of them all."""

    read_by: ClassVar[tuple[str, ...]] = BUILT
    where: ClassVar[Condition | None] = None


TRAIN = ("train",)
TRAINING = ("train", "benchmark")
SPECTRAL = ("spectrum", "convergence", "transition")
JUDGED = ("spectrum", "transition")
ANALYSE, STIMULATE, SIMULATE = ("analyse",), ("stimulate",), ("simulate",)
RECORD, FIT, COMPARE, PIPELINE = ("record",), ("fit",), ("compare",), ("pipeline",)
LEARNING = (*TRAINING, *FIT)
LR_OF_MODELS = {"gru": 0.002, "rnn": 0.005, "linear": 0.0001, "node": 0.002, "lfads": 0.001, "network": 0.002}
NETWORKED = (*BUILT, *FIT)  # kinds that may build a network
BY_NETWORK = (
    "model.architecture = network (with experiment.kind = fit, inference.model = network)",
    lambda config: (
        config.inference.model if config.experiment.kind in FIT else config.model.architecture
    ) == "network",
)
OF_NODES = ("model.architecture = node", lambda config: config.model.architecture == "node")
BY_CELLS = (
    "model.architecture is not network",
    lambda config: config.model.architecture != "network",
)
STEPPED = tuple(kind for kind in NETWORKED if kind not in SIMULATE)
RANDOM_ONLY = ("net.roi = random", lambda config: config.drawn_at_random)
BY_NAME = ("net.source is not populations or regions", lambda config: not config.described)
SOURCED = (
    "paths.path_to_network is set, or for populations and regions",
    lambda config: bool(config.paths.path_to_network) or config.described,
)
POPULATIONS = ("net.source = populations", lambda config: config.net.source == "populations")
REGIONS = ("net.source = regions", lambda config: config.net.source == "regions")
LISTED = ("regions.regions lists the regions", lambda config: bool(config.regions.regions) and REGIONS[1](config))
SINKHORN_ONLY = (
    "net.normalization = sinkhorn, or a chain with it",
    lambda config: "sinkhorn" in steps_of(config.scaling),
)
MEASURED_ONLY = ("paths.path_to_network is set", lambda config: bool(config.paths.path_to_network))
OF_EXPONENTS = ("trainvalidate.loss has a term of the spectrum", lambda config: config.spectrum_loss is not None)
TARGETED = ("trainvalidate.loss has l2 or mse", lambda config: config.spectrum_loss in ("l2", "mse"))
SPECTRUM = (
    "experiment.kind computes spectra, trainvalidate.loss has a term of them, or lyapunov.spectrum_every is set",
    lambda config: config.uses_spectrum,
)
AUTO = ("lyapunov.tsim = auto", lambda config: config.lyapunov.tsim == "auto")
TEN_PERCENT, ALL = Share(10.0), Share(100.0)
TASKED = ("trialparams.task_name names a task", lambda config: config.has_task)
STARTED = (
    "paths.pretrained is set, or trialparams.task_name names a task",
    lambda config: config.has_task or bool(config.paths.pretrained),
)
CONTINUED = (
    "trialparams.task_name names a task, and paths.pretrained is set",
    lambda config: config.has_task and bool(config.paths.pretrained),
)
OF_TRIALS = (
    "trialparams.task_name names a task, or experiment.kind = fit",
    lambda config: config.has_task or config.experiment.kind in FIT,
)
UNTASKED = ("trialparams.task_name = none", lambda config: not config.has_task)
RANKED = (*TRAIN, *SPECTRAL, *ANALYSE, *STIMULATE, *SIMULATE)  # kinds whose networks may have factors of low rank
LOW_RANK = ("net.rank is above 0", lambda config: config.net.rank > 0)
JOINED = (
    "net.rank is above 0 and trialparams.task_name names a task",
    lambda config: config.net.rank > 0 and config.has_task,
)
FLAT = ("trainvalidate.flat_window is above 0", lambda config: config.trainvalidate.flat_window > 0)
OVERLAPPING = ("net.readout = overlap", lambda config: config.net.readout == "overlap")
FACTORS_TRAINED = (
    "net.rank is above 0 and trainvalidate.train_factors = True",
    lambda config: config.net.rank > 0 and config.trainvalidate.train_factors,
)
WEIGHTS_TRAINED = (
    "the weights are trained (trainvalidate.train_weights)",
    lambda config: "weights" in config.trained,
)
PROJECTED = (
    "net.roi is not random, and the weights (trainvalidate.train_weights) or a task's inputs are trained",
    lambda config: not config.drawn_at_random and ("weights" in config.trained or config.has_task),
)
BATCHED = (
    "trialparams.task_name = none, or experiment.kind = train or benchmark",
    lambda config: not config.has_task or config.experiment.kind in TRAINING,
)
RECALL = ("trialparams.task_name = seq_mem", lambda config: config.trialparams.task_name == "seq_mem")
N_BACK = (
    "trialparams.task_name = nback_mem, pic_latent_mem or pic_mem",
    lambda config: config.trialparams.task_name in ("nback_mem", "pic_latent_mem", "pic_mem"),
)
SPLIT = (
    "trialparams.task_name names a task, and trialparams.held_out = none",
    lambda config: config.has_task and config.trialparams.held_out == "none",
)
DECISIONS = ("dpa", "go_nogo", "dual")
DELAYED = (
    "trialparams.task_name = odr, dpa, go_nogo or dual",
    lambda config: config.trialparams.task_name in ("odr", *DECISIONS),
)
DECIDED = (
    "trialparams.task_name = dpa, go_nogo or dual",
    lambda config: config.trialparams.task_name in DECISIONS,
)
MULTITASK = ("trialparams.task_name = multitask", lambda config: config.trialparams.task_name == "multitask")
PHASED = (
    "trialparams.task_name = multitask and analysis.phases names conditions",
    lambda config: MULTITASK[1](config) and config.analysis.phases != "none",
)
HELD_OUT = (
    "trialparams.task_name = odr, dpa, go_nogo, dual or multitask",
    lambda config: DELAYED[1](config) or MULTITASK[1](config),
)
ODR = ("trialparams.task_name = odr", lambda config: config.trialparams.task_name == "odr")
NOISY_INPUT = (
    "trialparams.task_name = flip_flop, odr, dpa, go_nogo, dual, multitask, reach or random_target",
    lambda config: config.trialparams.task_name
    in ("flip_flop", "odr", *DECISIONS, "multitask", "reach", "random_target"),
)
FLIP_FLOP = ("trialparams.task_name = flip_flop", lambda config: config.trialparams.task_name == "flip_flop")
REACHING = (
    "trialparams.task_name = reach or random_target",
    lambda config: config.trialparams.task_name in ("reach", "random_target"),
)
IN_STEPS = (
    "trialparams.task_name = flip_flop, reach or random_target",
    lambda config: FLIP_FLOP[1](config) or REACHING[1](config),
)
NEUROGYM = ("trialparams.task_name = neurogym", lambda config: config.trialparams.task_name == "neurogym")
FILTERED = ("dynamics.nmda_fraction is above 0", lambda config: config.dynamics.nmda_fraction > 0)
ADAPTING = ("dynamics.adaptation is not 0", lambda config: config.dynamics.adapts)
PLASTIC = ("dynamics.plastic names blocks", lambda config: config.dynamics.plastic != "none")
PLASTIC_INPUT = ("dynamics.plastic_input = True", lambda config: config.dynamics.plastic_input)
NOISY = ("dynamics.noise_sd is not 0", lambda config: config.dynamics.noisy)
DECODED = ("simulation.decode names populations", lambda config: config.simulation.decode != "none")
GAUSSIAN = ("simulation.initial = gaussian", lambda config: config.simulation.initial == "gaussian")
DRAWN_RATES = (
    "simulation.initial = constant, gaussian or plane",
    lambda config: config.simulation.initial in ("constant", "gaussian", "plane"),
)
PLANE = ("simulation.initial = plane", lambda config: config.simulation.initial == "plane")
OUTSIDE_PLANE = (
    "simulation.initial is not plane, whose trajectories are initial_points squared",
    lambda config: config.simulation.initial != "plane",
)
WITH_EVENTS = ("simulation.events has some", lambda config: bool(config.simulation.events))
OWN_PROBE = ("recording.like is empty", lambda config: not config.recording.like)
DRIVING = ("stimulation.action = drive", lambda config: config.stimulation.action == "drive")
PICTURES = (
    "trialparams.task_name = pic_latent_mem or pic_mem",
    lambda config: config.trialparams.task_name in ("pic_latent_mem", "pic_mem"),
)
DRAWN = (
    "trainvalidate.init is not connectome",
    lambda config: config.trainvalidate.init != "connectome" and BY_NETWORK[1](config),
)
BY_DENSITY = ("net.nr_neurons = density", lambda config: config.net.nr_neurons == "density")
RAY = ("execution.engine = ray", lambda config: config.execution.engine == "ray")
BY_CHOICE = ("net.roi is not random", lambda config: not config.drawn_at_random)
AT_A_PATH = (
    "net.roi is not random, and net.source not populations or regions",
    lambda config: not (config.drawn_at_random or config.described) and BY_NETWORK[1](config),
)
