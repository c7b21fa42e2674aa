"""Conditions under which options are read, for the sections that share them."""

from randomnet.losses import LOSSES
from randomnet.settings.option import Condition
from randomnet.settings.steps import steps_of

MADE = ("populations", "regions")  # sources of networks that are described, not measured
BY_NETWORK = Condition(
    "model.architecture = network (with experiment.kind = fit, inference.architecture = network; with analyse and "
    "spectrum, source.folder is empty)",
    lambda config: (
        (config.inference.architecture if config.experiment.kind == "fit" else config.model.architecture) == "network"
        and not config.from_source
    ),
)
BY_EQUATION = Condition(
    "the dynamics are those of [model], without parts of [dynamics]",
    lambda config: BY_NETWORK.holds(config) and not config.dynamics.has_parts,
)
FROM_SOURCE = Condition(
    "source.folder names the system (experiment.kind = analyse or spectrum)", lambda config: config.from_source
)
BUILT = Condition("source.folder does not name the system", lambda config: not config.from_source)
DRIVABLE = Condition(
    "trialparams.task_name names a task, or source.folder names the system",
    lambda config: config.has_task or config.from_source,
)
OF_NODES = Condition("model.architecture = node", lambda config: config.model.architecture == "node")
BY_CELLS = Condition(
    "model.architecture is not network",
    lambda config: config.model.architecture != "network",
)
RANDOM_ONLY = Condition("net.roi = random", lambda config: config.drawn_at_random)
SIGNED = Condition(
    "experiment.kind is not simulate, or net.roi is not random",
    lambda config: not (config.has_role("simulation") and config.drawn_at_random),
)
BY_NAME = Condition("net.source is not populations or regions", lambda config: not config.described)
SOURCED = Condition(
    "paths.path_to_network is set, or for populations and regions",
    lambda config: bool(config.paths.path_to_network) or config.described,
)
POPULATIONS = Condition("net.source = populations", lambda config: config.net.source == "populations")
LOW_RANK_KERNELS = Condition(
    "net.source = populations and populations.kernels has a low_rank kernel",
    lambda config: (
        POPULATIONS.holds(config) and any(kernel == "low_rank" for _, kernel, *_ in config.populations.kernels)
    ),
)
REGIONS = Condition("net.source = regions", lambda config: config.net.source == "regions")
LISTED = Condition(
    "regions.regions lists the regions", lambda config: bool(config.regions.regions) and REGIONS.holds(config)
)
UNLISTED = Condition(
    "net.source = regions and [regions] regions lists none",
    lambda config: REGIONS.holds(config) and not config.regions.regions,
)
SINKHORN_ONLY = Condition(
    "net.normalization = sinkhorn, or a chain with it",
    lambda config: "sinkhorn" in steps_of(config.scaling),
)
MEASURED_ONLY = Condition("paths.path_to_network is set", lambda config: bool(config.paths.path_to_network))
OF_EXPONENTS = Condition(
    "trainvalidate.loss has a term of the spectrum", lambda config: config.spectrum_loss is not None
)
TARGETED = Condition(
    f"trainvalidate.loss has {' or '.join(name for name, loss in LOSSES.items() if loss.has_target)}",
    lambda config: config.spectrum_loss is not None and LOSSES[config.spectrum_loss].has_target,
)
SPECTRUM = Condition(
    "experiment.kind computes spectra, trainvalidate.loss has a term of them, or lyapunov.spectrum_every is set",
    lambda config: config.uses_spectrum,
)
AUTO = Condition("lyapunov.tsim = auto", lambda config: config.lyapunov.tsim == "auto")
TASKED = Condition("trialparams.task_name names a task", lambda config: config.has_task)
STARTED = Condition(
    "paths.pretrained is set, or trialparams.task_name names a task",
    lambda config: config.has_task or bool(config.paths.pretrained),
)
CONTINUED = Condition(
    "trialparams.task_name names a task, and paths.pretrained is set",
    lambda config: config.has_task and bool(config.paths.pretrained),
)
OF_RESPONSES = Condition("experiment.kind = responses", lambda config: config.has_role("responses"))
OF_TRIALS = Condition(
    "trialparams.task_name names a task, or experiment.kind = fit or predict",
    lambda config: config.has_task or config.experiment.kind in ("fit", "predict"),
)
PREDICTING = Condition("experiment.kind = predict", lambda config: config.experiment.kind == "predict")
OPEN_LOOP = Condition(
    "trialparams.task_name names a task whose inputs do not depend on the network",
    lambda config: config.has_task and not config.task.closed,
)
CELLS_OPEN_LOOP = Condition(
    "model.architecture is not network, and the task's inputs do not depend on it",
    lambda config: BY_CELLS.holds(config) and OPEN_LOOP.holds(config),
)
UNTASKED = Condition("trialparams.task_name = none", lambda config: not config.has_task)
LOW_RANK = Condition("net.rank is above 0", lambda config: config.net.rank > 0)
JOINED = Condition(
    "net.rank is above 0 and trialparams.task_name names a task",
    lambda config: config.net.rank > 0 and config.has_task,
)
FLAT = Condition("trainvalidate.flat_window is above 0", lambda config: config.trainvalidate.flat_window > 0)
PLATEAU = Condition("trainvalidate.plateau_factor is below 1", lambda config: config.trainvalidate.plateau_factor < 1)
SAMPLED = Condition(
    "combosparams.sample names options", lambda config: config.combosparams.sample.strip() not in ("", "{}")
)
HALVED = Condition("combosparams.halving is above 0", lambda config: config.combosparams.halving > 0)
OVERLAPPING = Condition("net.readout = overlap", lambda config: config.net.readout == "overlap")
FACTORS_TRAINED = Condition(
    "net.rank is above 0 and trainvalidate.train_factors = True",
    lambda config: config.net.rank > 0 and config.trainvalidate.train_factors,
)
WEIGHTS_TRAINED = Condition(
    "the weights are trained (trainvalidate.train_weights)",
    lambda config: "weights" in config.trained,
)
PROJECTED = Condition(
    "net.roi is not random, and the weights (trainvalidate.train_weights) or a task's inputs are trained",
    lambda config: not config.drawn_at_random and ("weights" in config.trained or config.has_task),
)
BATCHED = Condition(
    "trialparams.task_name = none, or experiment.kind = train or benchmark without parts of [dynamics]",
    lambda config: not config.dynamics.has_parts if config.trains else not config.has_task,
)
N_BACK = Condition("the task has n_back", lambda config: config.task is not None and config.task.has("n_back"))
MULTITASK = Condition("trialparams.task_name = multitask", lambda config: config.trialparams.task_name == "multitask")
PHASED = Condition(
    "trialparams.task_name = multitask and analysis.phases names conditions",
    lambda config: MULTITASK.holds(config) and config.analysis.phases != "none",
)
CLOSED_LOOP = Condition("the task is a closed loop", lambda config: config.task is not None and config.task.closed)
WEIGHTED = Condition(
    "the network has weights beside its factors (net.background = True)",
    lambda config: config.net.background or not config.net.rank,
)
DRAWN = Condition(
    "trainvalidate.init is not connectome, and the network has weights beside its factors",
    lambda config: config.trainvalidate.init != "connectome" and BY_NETWORK.holds(config) and WEIGHTED.holds(config),
)
BY_DENSITY = Condition("net.nr_neurons = density", lambda config: config.net.nr_neurons == "density")
RAY = Condition("execution.engine = ray", lambda config: config.execution.engine == "ray")
BY_CHOICE = Condition("net.roi is not random", lambda config: not config.drawn_at_random)
AT_A_PATH = Condition(
    "net.roi is not random, and net.source not populations or regions",
    lambda config: not (config.drawn_at_random or config.described) and BY_NETWORK.holds(config),
)
REGION_TASK = Condition(
    "net.source = regions and trialparams.task_name names a task",
    lambda config: REGIONS.holds(config) and config.has_task,
)
REGION_INPUTS = Condition(
    "trialparams.task_name names a task and [regions] has inputs",
    lambda config: REGION_TASK.holds(config) and bool(config.regions.inputs or config.regions.regions_file),
)
