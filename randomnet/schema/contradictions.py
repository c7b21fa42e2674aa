"""Checks across options: combinations that contradict each other. Checks that need the network are in build/."""

import re
from pathlib import Path
from typing import Any

from randomnet.conditions import CLOSED_LOOP, N_BACK
from randomnet.settings.readers import Key
from randomnet.settings.steps import steps_of


def contradiction(config: Any) -> tuple[Key, str] | None:
    """The first option that contradicts another, and what was expected of it; None where all agree."""
    return next(filter(None, (check(config) for check in (*CHECKS, *config.kind.checks))), None)


def _times(config: Any) -> tuple[Key, str] | None:
    dt, spectrum = config.model.dt, config.lyapunov
    if not config.uses_spectrum:
        return None
    if not isinstance(spectrum.tons, str) and spectrum.tons < dt:
        return ("lyapunov", "tons"), f"at least one step (model.dt = {dt:g}) between reorthonormalisations"
    interval = dt if spectrum.tons == "adaptive" else spectrum.tons
    if spectrum.tsim == "auto" and not config.reads("lyapunov.tolerance"):
        return ("lyapunov", "tsim"), f"a number with kind = {config.experiment.kind}"
    name = "tsim_max" if spectrum.tsim == "auto" else "tsim"
    longest = getattr(spectrum, name)
    if longest < interval:
        return ("lyapunov", name), f"at least one interval of reorthonormalisation ({interval:g})"
    if (longest + spectrum.transient + spectrum.frame_transient) / dt > 1e9:
        return ("lyapunov", name), f"fewer than 1e9 steps of model.dt in the transients and {name} together"
    first = spectrum.tsim_first
    if not isinstance(first, str) and not interval <= first <= longest:
        return ("lyapunov", "tsim_first"), f"tsim, or a time from {interval:g} (tons) to {longest:g} (tsim)"
    if abs(interval / dt - round(interval / dt)) > 1e-6:
        return ("lyapunov", "tons"), f"a multiple of the step (model.dt = {dt:g})"
    return None


def _trained(config: Any) -> tuple[Key, str] | None:
    if not config.trains:
        return None
    if not config.trained and not config.has_task:
        return ("trainvalidate", "train_gains"), "something to train: one of train_weights, train_gains, train_shifts"
    frozen = config.trainvalidate.freeze_factors
    if "factors" in config.trained and not isinstance(frozen, str) and frozen[-1] > config.net.rank:
        return ("trainvalidate", "freeze_factors"), f"numbers from 1 to net.rank = {config.net.rank}"
    net = config.net
    begun = net.factor_sd or config.paths.pretrained or any(value for _, value in (*net.factor_mean, *net.factor_cov))
    if "factors" in config.trained and not begun:
        return ("net", "factor_sd"), "a number above 0 where factors are trained, as none of 0 ever moves"
    if config.model.activation == "tanh":
        for name in ("gains", "shifts"):
            if name in config.trained:
                return (
                    ("trainvalidate", f"train_{name}"),
                    f"False with activation = tanh, which has no {name} (tanh_stretched has)",
                )
    return None


def _cells(config: Any) -> tuple[Key, str] | None:
    if config.model.architecture == "network":
        return None
    chosen = f"with model.architecture = {config.model.architecture}"
    if not config.has_task:
        return ("model", "architecture"), "network without a task, as cells have no spectrum to be trained on"
    if config.paths.pretrained:
        return ("paths", "pretrained"), f"nothing {chosen}"
    return _without_spectra(config, chosen)


def _closed_loop(config: Any) -> tuple[Key, str] | None:
    """Options that are not available where the inputs of a network depend on its outputs."""
    if not CLOSED_LOOP.holds(config):
        return None
    kind, chosen = config.experiment.kind, f"with task_name = {config.trialparams.task_name}"
    if config.has_role("spectra") and config.lyapunov.driven:
        return ("lyapunov", "driven"), f"False {chosen}, whose inputs depend on what the network does"
    if kind not in ("train", "record") and not config.has_role("spectra"):
        return ("trialparams", "task_name"), f"a task whose inputs do not depend on the network with kind = {kind}"
    return _without_spectra(config, chosen)


def _without_spectra(config: Any, chosen: str) -> tuple[Key, str] | None:
    """Options that only networks under given inputs have: spectra along trials, truncation, segments, batches."""
    if config.trainvalidate.loss != "task":
        return ("trainvalidate", "loss"), f"task {chosen}"
    if config.lyapunov.spectrum_every:
        return ("lyapunov", "spectrum_every"), f"0 {chosen}"
    for key in ("truncate", "segment"):
        if getattr(config.trainvalidate, key):
            return ("trainvalidate", key), f"0 {chosen}"
    if config.execution.batch_runs not in ("auto", 1):
        return ("execution", "batch_runs"), f"auto or 1 {chosen}"
    return None


def _latent_l2(config: Any) -> tuple[Key, str] | None:
    """Options under which the states of all steps, which the penalty needs, are not at hand."""
    if not (config.trains and config.has_task and config.trainvalidate.latent_l2):
        return None
    if config.dynamics.has_parts:
        return ("trainvalidate", "latent_l2"), "0 with parts of [dynamics], whose states are more than rates"
    for key in ("truncate", "segment"):
        if getattr(config.trainvalidate, key):
            return ("trainvalidate", key), "0 with latent_l2, which needs the states of all steps"
    if config.execution.batch_runs not in ("auto", 1):
        return ("execution", "batch_runs"), "auto or 1 with latent_l2"
    return None


def _number_param(config: Any) -> tuple[Key, str] | None:
    counts = config.trainvalidate.number_param
    if not isinstance(counts, tuple):
        return None
    for name, count in zip(("weights", "gains", "shifts"), counts, strict=True):
        trained = name in config.trained
        if trained != (count > 0):
            expected = f"{'more than 0' if trained else '0'} {name} as train_{name} = {trained}"
            return ("trainvalidate", "number_param"), expected
    return None


def _background(config: Any) -> tuple[Key, str] | None:
    """Options of weights in a network that consists of factors only."""
    if not config.net.rank or config.net.background:
        return None
    for key, usual in (("null", "none"), ("normalization", "auto"), ("g", 1.0), ("factor_on", "all")):
        if getattr(config.net, key) != usual:
            return ("net", key), f"{usual} with background = False, which leaves out the weights"
    return None


def _network(config: Any) -> tuple[Key, str] | None:
    net = config.net
    if config.trainvalidate.init != "connectome" and not config.trainvalidate.remap_w:
        for key in ("weight_jitter", "sign_errors"):
            if getattr(net, key):
                return ("net", key), f"0 with trainvalidate.init = {config.trainvalidate.init}, which draws all weights"
    if config.drawn_at_random and "sinkhorn" in steps_of(net.normalization):
        return ("net", "normalization"), "another with roi = random, as sinkhorn needs one sign per neuron"
    if config.drawn_at_random and net.dales_law is True:
        return ("net", "dales_law"), "auto or False with roi = random, whose neurons have weights of both signs"
    if config.drawn_at_random and not config.paths.pretrained and config.model.groups != "neuron":
        return ("model", "groups"), "neuron with roi = random, which has no labels"
    if net.random_w and net.null not in ("none", "random_w"):
        return ("net", "random_w"), f"False with null = {net.null}"
    if not net.roi or any(character in net.roi for character in "/\\"):
        return ("net", "roi"), "the name of a region, without a path (path_to_network is the folder)"
    return None


def _regions(config: Any) -> tuple[Key, str] | None:
    if config.net.source != "regions":
        return None
    chosen = config.regions
    if chosen.regions and chosen.regions_file:
        return ("regions", "regions_file"), "nothing, as [regions] regions lists them"
    if not (chosen.regions or chosen.regions_file):
        expected = "a JSON file, or the regions themselves in [regions] regions, with net.source = regions"
        return ("regions", "regions_file"), expected
    return None


def _dynamics(config: Any) -> tuple[Key, str] | None:
    if config.model.integrator == "rk4" and config.has_task:
        return ("model", "integrator"), "euler with a task"
    if config.model.activation == "tanh" and config.net.parameter != "weights":
        return ("net", "parameter"), "weights with activation = tanh, which has no gains or shifts"
    return None


def _time_constants(config: Any) -> tuple[Key, str] | None:
    tau, dt, regions = config.model.tau, config.model.dt, config.regions.regions
    own = any(region.tau != 1 for region in regions)
    if config.has_role("simulation") or config.dynamics.has_parts:  # exponential steps, for any time constant
        return None
    if own:
        if tau != 1:
            return ("model", "tau"), "1, as [regions] regions has time constants"
        if min(region.tau for region in regions) < dt:
            return ("regions", "regions"), f"time constants of at least one step, {dt:g} (model.dt)"
    if config.drawn_at_random and isinstance(tau, tuple):
        return ("model", "tau"), "one number with roi = random, which has no regions"
    if any(value < dt for value in (dict(tau).values() if isinstance(tau, tuple) else (tau,))):
        return ("model", "tau"), f"at least one step, {dt:g} (model.dt)"
    return None


def _paths(config: Any) -> tuple[Key, str] | None:
    if not config.paths.path_to_results:
        return ("paths", "path_to_results"), "a folder"
    keys = ("path_to_network", "path_to_results", "pretrained", "responses")
    places = {("paths", key): getattr(config.paths, key) for key in keys}
    for key, text in {**places, ("lyapunov", "target"): config.lyapunov.target}.items():
        try:
            Path(text if isinstance(text, str) else "").expanduser()
        except RuntimeError:
            return key, "a path, or one from the home folder of a user who exists"
    return None


def _task(config: Any) -> tuple[Key, str] | None:
    trials = config.trialparams
    if N_BACK.holds(config) and trials.n_back >= trials.trial_length:
        return ("trialparams", "n_back"), f"less than trial_length = {trials.trial_length}"
    if not config.trains:
        return None
    if len([name for name in config.losses if name != "task"]) > 1:
        return ("trainvalidate", "loss"), "at most one of mse, l2 and sinai, besides the task"
    if config.has_task and "task" not in config.losses:
        return ("trainvalidate", "loss"), "task, or a sum with it such as task + 0.1*mse, with a task"
    if not config.has_task and "task" in config.losses:
        return ("trainvalidate", "loss"), "mse, l2 or sinai, as [trialparams] task_name names no task"
    return None


def _cluster(config: Any) -> tuple[Key, str] | None:
    execution = config.execution
    if execution.engine != "ray":
        return None
    if execution.gpus_per_run > 1 and execution.gpus_per_run % 1:
        return ("execution", "gpus_per_run"), "a part of one GPU, or a whole number of them"
    if ":" in execution.device:
        return ("execution", "device"), "cuda with engine = ray, which shares the cluster's GPUs itself"
    if execution.device == "cuda" and not execution.gpus_per_run:
        return ("execution", "gpus_per_run"), "more than 0 with device = cuda"
    if execution.device == "cpu" and execution.gpus_per_run:
        return ("execution", "gpus_per_run"), "0 with device = cpu"
    if not re.fullmatch(r"(|auto|(?!ray://)\S+:\d+)", execution.address):
        return ("execution", "address"), "auto, host:port such as 10.0.0.1:6379, or nothing"
    return None


def _halving(config: Any) -> tuple[Key, str] | None:
    grid = config.combosparams
    if not grid.halving:
        return None
    if grid.halving == 1:
        return ("combosparams", "halving"), "0, or at least 2, as one combo in `halving` trains on"
    if grid.halving_epochs >= config.trainvalidate.epochs:
        return ("combosparams", "halving_epochs"), f"fewer than trainvalidate.epochs = {config.trainvalidate.epochs}"
    if config.execution.batch_runs not in ("auto", 1):
        return ("execution", "batch_runs"), "auto or 1 with halving, whose runs are trained one by one"
    return None


CHECKS = (
    _paths,
    _task,
    _network,
    _background,
    _regions,
    _dynamics,
    _time_constants,
    _times,
    _cells,
    _closed_loop,
    _trained,
    _latent_l2,
    _number_param,
    _cluster,
    _halving,
)
