"""What is measured of a network before and after its training: spectrum, loss, strength of coupling, overlaps."""

import hashlib
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from randomnet.build import closed_loop, coupling_strength
from randomnet.build.network import Setup, largest_frame
from randomnet.build.targets import exponents_of, target_of
from randomnet.kinds.spectrum import computing
from randomnet.lyapunov import Schedule, Spectrum
from randomnet.lyapunov.batches import FEWEST_BATCHES, batch_count
from randomnet.objectives import NetworkObjective, Trajectory, loss_with_error
from randomnet.rnn import Network
from randomnet.schema.plan import Run

MOST_REMEMBERED = 16
SHOWN_TRIALS = 100  # whose overlaps are written
_REMEMBERED: dict[Any, dict[str, Any]] = {}  # spectra of networks that training begins with


def initial(run: Run, start: Setup, objective: NetworkObjective) -> dict[str, Any]:
    """`now` before training; combos often share their first network, and its full spectrum takes longer than many
    epochs, so that the latest ones are remembered."""
    digest = hashlib.sha256()
    for tensor in (*start.network.fingerprint(), start.state):
        digest.update(tensor.cpu().numpy().tobytes())
    key = run.config.shape(), digest.digest()
    if key not in _REMEMBERED:
        _REMEMBERED[key] = now(run, start, objective)
        for old in list(_REMEMBERED)[:-MOST_REMEMBERED]:
            del _REMEMBERED[old]
    return dict(_REMEMBERED[key])


def now(run: Run, start: Setup, objective: NetworkObjective) -> dict[str, Any]:
    """What is reported of the network as it is now, as tensors and plain values."""
    measured: dict[str, Any] = coupling_strength.strength_of(start.network)
    if run.config.uses_spectrum:
        k, inputs = asked(run, start, objective)
        found = computing.compute(run, start, k, schedule_of(run), inputs)
        measured["exponents"], measured["stderr"] = torch.from_numpy(found.exponents), torch.from_numpy(found.stderr)
        measured["figures"] = computing.figures(found)
        if run.config.spectrum_loss and is_measured_later(run):
            measured |= _growth(found, exponents_of(run, start.connectome.n))
    if closed_loop.is_closed(run):
        measured |= closed_loop.shown(start.network, objective) | {"baseline": closed_loop.baseline(objective)}
    elif run.config.has_task and start.network.rank:
        measured["overlaps"] = _overlaps(start.network, objective.validation.inputs)
    return measured


def is_measured_later(run: Run) -> bool:
    """Whether spectra before and after training are of a record of their own, which begins where the window ends."""
    return not run.config.has_task and run.config.lyapunov.tsim_measured > 0


def schedule_of(run: Run) -> Schedule:
    """The times of the spectra before and after training: as those of training, or later and at least tsim_measured."""
    window = computing.schedule_of(run)
    if not is_measured_later(run):
        return window
    later = window.transient + window.frame_transient + window.first
    return replace(window, tsim=max(window.first, run.config.lyapunov.tsim_measured), transient=later)


def _growth(found: Spectrum, k: int) -> dict[str, torch.Tensor]:
    """Growth (batches, k) of the exponents that the loss sees, and times (batches,), of such a spectrum.

    The batches are those of the spectrum's own errors: a single one where the record is too short for errors.
    """
    leading = found.growth[:, :k]  # of the frame's first vectors, whose growth does not depend on the others
    order = np.argsort(-leading.sum(0), kind="stable")
    count = batch_count(found.times)
    batches = np.array_split(np.arange(len(found.times)), count if count >= FEWEST_BATCHES else 1)
    growth, times = ([values[batch].sum(0) for batch in batches] for values in (leading[:, order], found.times))
    return {"later_growth": torch.from_numpy(np.array(growth)), "later_times": torch.tensor(times)}


def loss_target(run: Run, n: int) -> np.ndarray:
    """What the exponents that the loss sees are trained to (k,); 0 for the loss sinai, which has no target."""
    if run.config.spectrum_loss == "sinai":
        return np.zeros(exponents_of(run, n))
    return target_of(run, n)


def loss_of(run: Run, measured: dict[str, Any], target: np.ndarray) -> dict[str, float]:
    """loss and loss_stderr of the later growth of `now`; empty where there is none, or it left the range of numbers.

    target: (k,).
    """
    if "later_growth" not in measured or not bool(measured["later_growth"].isfinite().all()):
        return {}
    name = run.config.spectrum_loss
    loss, error = loss_with_error(measured["later_growth"], measured["later_times"], name, torch.from_numpy(target))
    weight = run.config.losses[name]
    return {"loss": weight * loss + 0.0, "loss_stderr": weight * error}  # no -0


@torch.no_grad()
def _overlaps(network: Network, inputs: torch.Tensor) -> torch.Tensor:
    """Overlaps (trials, time, K) of the first validation trials with the selection vectors."""
    return network.overlaps(network.run(inputs[:, :SHOWN_TRIALS])[0]).transpose(0, 1).cpu()


def asked(run: Run, start: Setup, objective: NetworkObjective) -> tuple[int, torch.Tensor | None]:
    """How many exponents, and along what: all of the network, if these are not too many; with a task as the config
    says, along validation."""
    n = start.connectome.n
    if run.config.has_task:
        return exponents_of(run, n), objective.validation.inputs
    return largest_frame(run, n), None


def trajectories(run: Run) -> tuple[Trajectory, ...]:
    """How the trajectory goes on from epoch to epoch; none where all epochs are alike."""
    chosen = run.config.lyapunov
    window = chosen.tsim if chosen.tsim_first == "tsim" else chosen.tsim_first
    return (Trajectory(chosen.warm_start, window),) if chosen.warm_start or window < chosen.tsim else ()


def leading(run: Run, start: Setup) -> torch.Tensor:
    """The frame of the exponents that the config asks for, (k, N) float64."""
    return start.frame[: exponents_of(run, start.connectome.n)]
