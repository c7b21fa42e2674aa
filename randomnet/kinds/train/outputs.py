"""Outputs of a trained network: model.pt, arrays, trials and activity.npz, stored epochs, and run.json's summary."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from randomnet import results
from randomnet.architectures import CellNetwork
from randomnet.artifacts.trained_files import UNTRAINED, numbered_name
from randomnet.build.closed_loop import REACH_ARRAYS
from randomnet.build.network import Setup
from randomnet.build.objective import loss_target
from randomnet.build.targets import target_of
from randomnet.build.trials import trials_of
from randomnet.conditions import TARGETED
from randomnet.connectome import COUPLING
from randomnet.kinds.checkpoints import last_and_best, status_of, torch_bytes
from randomnet.kinds.train.loss_summary import notes, summarize_losses
from randomnet.kinds.train.measurements import OVERLAP_TRIALS, measured_loss
from randomnet.kinds.trajectories import conditions_of, event_arrays
from randomnet.rnn import FACTORS, Network
from randomnet.schema.plan import Run
from randomnet.schema.sections.network import TRAINED
from randomnet.simulation import TrainableRateNetwork
from randomnet.training import Progress

REPORTED = (  # of the spectra before and after training
    "lambda_max",
    "n_positive",
    "n_zero",
    "D_KY",
    "D_KY_stderr",
    "D_KY_low",
    "D_KY_high",
    "h_KS",
    "h_KS_stderr",
    "h_KS_low",
    "h_KS_high",
    "sum_rule_residual",
    "drift",
    "log10_condition_max",
    "interval",
    "tsim_used",
    "converged",
    "verdict",
    "notes",
)


@dataclass(frozen=True)
class Trained:
    """A training that has ended: the network, its progress, and what was measured before and after.

    values_initial: the values before training. initial, final: see `measurements.measure`. scores: chance levels, and
    scores on test trials. trials: the arrays of `example_trials`, empty without a task. activity: those of `activity`.
    """

    setup: Setup
    progress: Progress
    values_initial: dict[str, torch.Tensor]
    initial: dict[str, Any]
    final: dict[str, Any]
    scores: dict[str, float]
    trials: dict[str, np.ndarray]
    activity: dict[str, np.ndarray]

    @property
    def measured(self) -> tuple[tuple[str, dict[str, Any]], ...]:
        """The measurements with the endings of their names."""
        return ("initial", self.initial), ("final", self.final)


def write_outputs(run: Run, folder: results.RunFolder, trained: Trained, seconds: float) -> dict[str, Any]:
    """Write the files of a trained run; return its record for run.json."""
    setup, progress = trained.setup, trained.progress
    if run.config.trainvalidate.store_every_epoch and progress.history:
        store_epoch(run, folder, setup.network, progress.last_epoch)
    folder.write_history(pd.DataFrame(progress.history, columns=_empty_columns(progress)))
    results.write_arrays(folder.path / "arrays.npz", _arrays(run, trained))
    if trained.trials:
        results.write_arrays(folder.trials_file, trained.trials)
    if trained.activity:
        results.write_arrays(folder.activity_file, trained.activity)
    results.write_bytes(folder.path / "model.pt", torch_bytes(_model(run, trained)))
    losses = summarize_losses(progress) | _measured_losses(run, trained)
    return {
        "status": status_of(progress),
        "reason": progress.reason,
        **results.COUNTED_FROM_UNTRAINED,
        "summary": {
            **losses,
            **trained.scores,
            **notes(progress, losses, run.config.spectrum_loss, _doubts(setup)),
            **_summary("initial", trained.initial),
            **_summary("final", trained.final),
            **trained.final.get("baseline", {}),
            "seconds": round(seconds, 2),
        },
        "connectome": setup.facts(),
    }


def _doubts(setup: Setup) -> tuple[str, ...]:
    """Return notes on time constants for which the step is coarse; none without parts of [dynamics]."""
    return setup.network.rate_network().doubts if isinstance(setup.network, TrainableRateNetwork) else ()


def _summary(when: str, measured: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of spectrum and coupling strength before or after training."""
    spectrum = measured.get("figures", {})
    columns = {f"{name}_{when}": value for name, value in spectrum.items() if name in REPORTED}
    errors = {f"lambda_max_{when}_stderr": spectrum["lambda_max_stderr"]} if "lambda_max" in spectrum else {}
    strength = {name: measured[name] for name in COUPLING if name in measured}
    strength.setdefault("spectral_radius", None)
    return columns | errors | {f"{name}_{when}": value for name, value in strength.items()}


def _measured_losses(run: Run, trained: Trained) -> dict[str, float]:
    """Return loss_measured_initial and _final, each with its standard error; empty for a task."""
    if run.config.has_task or not run.config.spectrum_loss:
        return {}
    target, losses = loss_target(run, trained.setup.size), {}
    for when, measured in trained.measured:
        for name, value in measured_loss(run, measured, target).items():
            losses[name.replace("loss", f"loss_measured_{when}")] = value
    return losses


def _empty_columns(progress: Progress) -> list[str] | None:
    """Return the columns of a history without rows; None where the rows name them."""
    return None if progress.history else ["epoch", "train_loss", "lambda_max", "seconds"]


def _arrays(run: Run, trained: Trained) -> dict[str, np.ndarray]:
    setup = trained.setup
    if setup.connectome is None:
        return {f"{name}_{when}": measured[name].numpy() for when, measured in trained.measured
                for name in REACH_ARRAYS if name in measured}  # fmt: skip
    arrays = {"groups": setup.labels, "state_initial": setup.state.cpu().numpy()}
    arrays |= _overlap_axes(run) if "overlaps" in trained.final else {}
    if TARGETED.holds(run.config):
        arrays["target"] = target_of(run, setup.size)
    for (when, measured), values in zip(trained.measured, (trained.values_initial, trained.progress.last), strict=True):
        arrays |= _measured_arrays(when, measured) | _value_arrays(run, setup, when, values)
    if "weights" in run.config.trained:
        arrays["post"], arrays["pre"] = setup.connectome.post, setup.connectome.pre
    for name in TRAINED:
        moving = getattr(setup.network, name).trainable
        if moving is not None:
            arrays[f"{name}_moving"] = moving.cpu().numpy()
    return arrays


def _measured_arrays(when: str, measured: dict[str, Any]) -> dict[str, np.ndarray]:
    arrays = {}
    if "exponents" in measured:
        arrays[f"spectrum_{when}"] = measured["exponents"].numpy()
        arrays[f"spectrum_{when}_stderr"] = measured["stderr"].numpy()
    arrays |= {f"{name}_{when}": measured[name].numpy() for name in REACH_ARRAYS if name in measured}
    if "overlaps" in measured:
        arrays[f"overlaps_{when}"] = measured["overlaps"].numpy()
    return arrays


def _value_arrays(run: Run, setup: Setup, when: str, values: dict[str, torch.Tensor]) -> dict[str, np.ndarray]:
    """Return gains and shifts, and weights and factors where these are trained or there are any."""
    weights = ("weights",) if "weights" in run.config.trained else ()
    names = ("gains", "shifts", *weights, *(FACTORS if setup.network.rank else ()))
    return {f"{name}_{when}": values[name].cpu().numpy() for name in names}


def _overlap_axes(run: Run) -> dict[str, np.ndarray]:
    """Return what belongs to the overlaps: times (T,) in tau, the trials' conditions, and events in tau."""
    trials, dt = trials_of(run)[1], run.config.model.dt
    index, names = conditions_of(trials)
    return {
        "overlaps_times": dt * np.arange(1, 1 + trials.inputs.shape[1]),
        "overlaps_conditions": np.array(names)[index[:OVERLAP_TRIALS]],
        **event_arrays(trials.events, dt),
        **({"time_unit": np.array(run.config.dynamics.time_unit)} if run.config.dynamics.has_parts else {}),
    }


def _model(run: Run, trained: Trained) -> dict[str, Any]:
    """Return the content of model.pt."""
    network = trained.setup.network
    return {
        "network": network.description(),
        **last_and_best(network, trained.progress),
        UNTRAINED: {name: trained.values_initial[name] for name in network.values()},
        "trained": list(run.config.trained),
    }


def store_epoch(run: Run, folder: results.RunFolder, network: Network | CellNetwork, epochs: int) -> None:
    """Write a task's network after `epochs` epochs, from 1 on, in bio_rnn_mem's file, whose name counts from 0."""
    if run.config.has_task and isinstance(network, Network) and epochs:
        path = folder.path.parent / numbered_name(epochs, run.iteration)
        results.write_bytes(path, torch_bytes(network.elman_state_dict()))
