"""Options that several kinds read, by section, for the records in kinds/<kind>/options.py."""

from typing import Any

from randomnet.settings.readers import ALL, Key, all_but, only
from randomnet.tasks import TASKS

TRAINING_ONLY = {
    parameter.name for task in TASKS.values() for parameter in task.parameters if parameter.training
}  # options of tasks that only kinds which train read
DECAYS = ("weight_decay", "eps", "plateau_factor", "plateau_patience", "plateau_lr")  # of kind = fit
SPLITTING = ("train_size", "test_size", "held_out")

GRID = {"combosparams": all_but("halving", "halving_epochs")}
EXPERIMENT = {"experiment": ALL, **GRID}
HALVED = {"combosparams": ALL}  # of kinds whose combos may stop early
NETWORK = {  # of kinds that build the network of [net]
    "net": all_but("readout", "readout_gain"),
    "populations": ALL,
    "regions": ALL,
    "projections": only("projections"),
}
BUILDING = EXPERIMENT | NETWORK | {
    "paths": ALL,
    "model": only("activation", "dt", "tau", "integrator", "form", "groups"),
    "lyapunov": only("nle", "tsim", "tons", "transient", "frame_transient"),
    "trainvalidate": only("iterations", "init", "remap_w"),
    "trialparams": all_but(*TRAINING_ONLY),
    "pretrainedparams": ALL,
    "execution": all_but("checkpoint_every", "keep_state", "batch_runs", "memory_budget", "tensorboard"),
}  # fmt: skip
WITHOUT_FACTORS = {  # where networks have no factors of low rank
    "net": all_but(
        *("rank", "factor_sd", "factor_overlap", "factor_mean", "factor_cov", "factor_on", "factor_support"),
        *("background", "readout", "readout_gain"),
    )
}
SIDE_BY_SIDE = {"execution": all_but("checkpoint_every", "keep_state", "tensorboard")}
LATER_STAGE = EXPERIMENT | {  # of kinds that go on from results and build no network
    "paths": only("path_to_results"),
    "trainvalidate": only("iterations"),
    "execution": only("engine", "address", "cpus_per_run", "gpus_per_run", "workers", "threads", "report"),
}
NOT_OF_SPECTRUM = (  # options of [lyapunov] that are of trainings
    *("spectrum_every", "tsim_first", "tsim_measured", "nle_measured"),
    *("truncate_gradient", "warm_start", "target"),
)
SPECTRUM = {"lyapunov": all_but(*NOT_OF_SPECTRUM, "vectors")}  # of kinds that measure spectra to a tolerance
WITH_VECTORS = {"lyapunov": all_but(*NOT_OF_SPECTRUM)}  # likewise, and covariant vectors


def of_source(config: Any) -> tuple[Key, str] | None:
    """Inputs of a system of [source] do not depend on what it does."""
    if config.from_source and config.has_task and config.task.closed:
        return ("trialparams", "task_name"), "a task whose inputs do not depend on the network, with source.folder"
    return None


EXACT = {"trainvalidate.precision": "float64"}  # of kinds that have no choice of it
