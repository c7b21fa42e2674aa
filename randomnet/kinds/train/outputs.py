"""What is written of a network that has been trained: model.pt, arrays.npz, the figures of run.json."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from randomnet import results
from randomnet.architectures import CellNetwork
from randomnet.artifacts.trained_files import UNTRAINED, numbered_name
from randomnet.build.closed_loop import REACHED
from randomnet.build.network import Setup
from randomnet.build.targets import target_of
from randomnet.build.trials import trials_of
from randomnet.connectome import COUPLING
from randomnet.kinds.train import learning, measurements
from randomnet.kinds.train.measurements import SHOWN_TRIALS
from randomnet.kinds.train.trajectories import conditions_of, event_arrays
from randomnet.rnn import FACTORS, Network
from randomnet.schema.plan import Run
from randomnet.schema.sections.network import TRAINED
from randomnet.training import Progress, Trainable

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


def written(
    run: Run,
    folder: results.RunFolder,
    start: Setup,
    progress: Progress,
    values: dict[str, torch.Tensor],
    initial: dict[str, Any],
    final: dict[str, Any],
    judged: dict[str, float],
    seconds: float,
) -> dict[str, Any]:
    """Write the files of a run that has been trained; what run.json says of it.

    values: of the network before training; initial, final: as of `measured.now`; judged: what summary.csv says of the
    trials besides: chance, and the figures of the test trials.
    """
    if run.config.trainvalidate.store_every_epoch and progress.history:
        store(run, folder, start.network, progress.last_epoch)
    folder.write_history(pd.DataFrame(progress.history, columns=_columns(progress)))
    results.write_arrays(folder.path / "arrays.npz", _arrays(run, start, values, progress, initial, final))
    model = _model(run, start.network, progress, values)
    results.write_bytes(folder.path / "model.pt", torch_bytes(model))
    losses = learning.losses(progress) | _measured_losses(run, start, initial, final)
    return {
        "status": results.DIVERGED if progress.diverged else results.COMPLETE,
        "reason": progress.reason,
        **results.COUNTED_FROM_UNTRAINED,
        "summary": {
            **losses,
            **judged,
            **learning.notes(progress, losses, run.config.spectrum_loss),
            **_figures("initial", initial),
            **_figures("final", final),
            **final.get("baseline", {}),
            "seconds": round(seconds, 2),
        },
        "connectome": start.facts(),
    }


def _figures(when: str, found: dict[str, Any]) -> dict[str, Any]:
    spectrum = found.get("figures", {})
    named = {f"{name}_{when}": value for name, value in spectrum.items() if name in REPORTED}
    errors = {f"lambda_max_{when}_stderr": spectrum["lambda_max_stderr"]} if "lambda_max" in spectrum else {}
    strength = {name: found[name] for name in COUPLING if name in found}
    strength.setdefault("spectral_radius", None)
    return named | errors | {f"{name}_{when}": value for name, value in strength.items()}


def _measured_losses(
    run: Run, start: Setup, initial: dict[str, Any], final: dict[str, Any]
) -> dict[str, float]:
    """loss_measured_initial and _final, each with its standard error; empty for a task."""
    if run.config.has_task or not run.config.spectrum_loss:
        return {}
    target, named = measurements.loss_target(run, start.connectome.n), {}
    for when, found in (("initial", initial), ("final", final)):
        for name, value in measurements.loss_of(run, found, target).items():
            named[name.replace("loss", f"loss_measured_{when}")] = value
    return named


def _columns(progress: Progress) -> list[str] | None:
    return None if progress.history else ["epoch", "train_loss", "lambda_max", "seconds"]


def _arrays(
    run: Run,
    start: Setup,
    values: dict[str, torch.Tensor],
    progress: Progress,
    initial: dict[str, Any],
    final: dict[str, Any],
) -> dict[str, np.ndarray]:
    if start.connectome is None:
        return {f"{name}_{when}": found[name].numpy() for when, found in (("initial", initial), ("final", final))
                for name in REACHED if name in found}  # fmt: skip
    arrays = {"groups": start.labels, "state_initial": start.state.cpu().numpy()}
    arrays |= _beside_overlaps(run) if "overlaps" in final else {}
    if run.config.spectrum_loss in ("l2", "mse"):
        arrays["target"] = target_of(run, start.connectome.n)
    for when, found, held in (("initial", initial, values), ("final", final, progress.last)):
        if "exponents" in found:
            arrays[f"spectrum_{when}"] = found["exponents"].numpy()
            arrays[f"spectrum_{when}_stderr"] = found["stderr"].numpy()
        arrays |= {f"{name}_{when}": found[name].numpy() for name in REACHED if name in found}
        if "overlaps" in found:
            arrays[f"overlaps_{when}"] = found["overlaps"].numpy()
        weights = ("weights",) if "weights" in run.config.trained else ()
        for name in ("gains", "shifts", *weights, *(FACTORS if start.network.rank else ())):
            arrays[f"{name}_{when}"] = held[name].cpu().numpy()
    if "weights" in run.config.trained:
        arrays["post"], arrays["pre"] = start.connectome.post, start.connectome.pre
    for name in TRAINED:
        moving = getattr(start.network, name).trainable
        if moving is not None:
            arrays[f"{name}_moving"] = moving.cpu().numpy()
    return arrays


def _beside_overlaps(run: Run) -> dict[str, np.ndarray]:
    """What belongs to the overlaps: time (T,) in tau, the trials' conditions, and events in tau."""
    trials, dt = trials_of(run)[1], run.config.model.dt
    index, names = conditions_of(trials)
    return {
        "overlaps_times": dt * np.arange(1, 1 + trials.inputs.shape[1]),
        "overlaps_conditions": np.array(names)[index[:SHOWN_TRIALS]],
        **event_arrays(trials.events, dt),
    }


def _model(
    run: Run, network: Network | CellNetwork, progress: Progress, values: dict[str, torch.Tensor]
) -> dict[str, Any]:
    """What model.pt holds; values: of the untrained network, under the network's own names, see `last_and_best`."""
    untrained = {name: values[name] for name in network.values()}
    return {
        "network": network.description(),
        **last_and_best(network, progress),
        UNTRAINED: untrained,
        "trained": list(run.config.trained),
    }


def last_and_best(network: Trainable, progress: Progress) -> dict[str, Any]:
    """Values of a network after the last update, and at the lowest loss, with the numbers of their epochs.

    Under the network's own names: equal ones read from a checkpoint are other objects, which pickle would tell apart.
    """
    names, held = list(network.values()), (progress.last, progress.best or progress.last)
    last, best = ({name: values[name] for name in names} for values in held)
    epochs = {"best_epoch": progress.best_epoch, "last_epoch": progress.last_epoch}
    return {"last": last, "best": best, **epochs}


def store(run: Run, folder: results.RunFolder, network: Network | CellNetwork, epochs: int) -> None:
    """Keep a network of a task after so many epochs, from 1 on, under bio_rnn_mem's name, which counts them from 0."""
    if run.config.has_task and isinstance(network, Network) and epochs:
        path = folder.path.parent / numbered_name(epochs, run.iteration)
        results.write_bytes(path, torch_bytes(network.elman_state_dict()))


def torch_bytes(record: dict[str, Any]) -> bytes:
    """What torch saves of tensors and plain values."""
    buffer = io.BytesIO()
    torch.save(record, buffer)
    return buffer.getvalue()


def read_checkpoint(path: Path, device: torch.device) -> dict[str, Any] | None:
    """The checkpoint, or None; a damaged one is set aside, and the runs start anew."""
    if not path.exists():
        return None
    try:
        return torch.load(path, weights_only=True, map_location=device)
    except Exception:  # a damaged file can raise nearly anything
        path.replace(path.with_suffix(".damaged"))
        return None
