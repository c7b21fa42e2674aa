"""What is measured of a network before and after its training: spectrum, loss, coupling strength, overlaps."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from randomnet.build import closed_loop, coupling_strength
from randomnet.build.network import Setup, largest_frame
from randomnet.build.spectra import schedule_of
from randomnet.build.targets import exponents_of, measured_exponents_of
from randomnet.kinds.spectra import compute_spectrum, summary_of
from randomnet.lyapunov import Schedule, Spectrum
from randomnet.lyapunov.batches import FEWEST_BATCHES, batch_count
from randomnet.objectives import NetworkObjective, loss_with_error
from randomnet.rnn import Network
from randomnet.schema.plan import Run

MOST_REMEMBERED = 16
OVERLAP_TRIALS = 100  # whose overlaps are written
_REMEMBERED: dict[Any, dict[str, Any]] = {}  # measurements of untrained networks


def measure_initial(run: Run, setup: Setup, objective: NetworkObjective) -> dict[str, Any]:
    """Return `measure` of the untrained network, which is computed once for combos that share it.

    A full spectrum takes longer than many epochs; the last MOST_REMEMBERED measurements are remembered.
    """
    digest = hashlib.sha256()
    for tensor in (*setup.network.fingerprint(), setup.state):
        digest.update(tensor.cpu().numpy().tobytes())
    key = run.config.shape(), digest.digest()
    if key not in _REMEMBERED:
        _REMEMBERED[key] = measure(run, setup, objective)
        for old in list(_REMEMBERED)[:-MOST_REMEMBERED]:
            del _REMEMBERED[old]
    return dict(_REMEMBERED[key])


def measure(run: Run, setup: Setup, objective: NetworkObjective) -> dict[str, Any]:
    """Return what is reported of the network with its present values, as tensors and plain values."""
    measured: dict[str, Any] = coupling_strength.strength_of(setup.network)
    if run.config.uses_spectrum:
        k, inputs = exponents_and_inputs(run, setup, objective)
        spectrum = compute_spectrum(run, setup, k, measuring_schedule(run), inputs)
        measured["exponents"], measured["stderr"] = map(torch.from_numpy, (spectrum.exponents, spectrum.stderr))
        measured["figures"] = summary_of(spectrum)
        if run.config.spectrum_loss and has_later_record(run):
            measured |= _later_growth(spectrum, exponents_of(run, setup.size))
    if closed_loop.is_closed_loop(run):
        measured |= closed_loop.drawn_reaches(setup.network, objective)
        measured["baseline"] = closed_loop.baseline(objective)
    elif run.config.has_task and setup.network.rank:
        measured["overlaps"] = _overlaps(setup.network, objective.validation.inputs)
    return measured


def measured_before(
    run: Run,
    setup: Setup,
    objective: NetworkObjective,
    values: Mapping[str, torch.Tensor],
    saved: Any,
    final: Mapping[str, Any],
) -> dict[str, Any]:
    """Return `measure` of the untrained network with these values: the saved one, if it has the form of the final one.

    A saved one of another form is of a forged checkpoint, and is measured again.
    """
    if _has_form_of(saved, final):
        return saved
    trained = setup.network.values()
    setup.network.assign(values)
    measured = measure(run, setup, objective)
    setup.network.assign(trained)
    return measured


def _has_form_of(saved: Any, other: Any) -> bool:
    """Return whether a measurement has the entries of another one, of the same types and shapes."""
    if isinstance(other, Mapping):
        has_names = isinstance(saved, dict) and saved.keys() == other.keys()
        return has_names and all(_has_form_of(saved[name], value) for name, value in other.items())
    if isinstance(other, torch.Tensor):
        return isinstance(saved, torch.Tensor) and not saved.is_meta and _form(saved) == _form(other)
    return isinstance(saved, (int, float, str, type(None))) and isinstance(saved, str) == isinstance(other, str)


def _form(value: torch.Tensor) -> tuple:
    return value.shape, value.dtype, value.layout


def has_later_record(run: Run) -> bool:
    """Return whether spectra before and after training have a record of their own, which follows the window."""
    return not run.config.has_task and run.config.lyapunov.tsim_measured > 0


def measuring_schedule(run: Run) -> Schedule:
    """Return the times of the spectra before and after training.

    They are those of training, or with a record of their own follow the window and last at least tsim_measured.
    """
    window = schedule_of(run)
    if not has_later_record(run):
        return window
    later = window.transient + window.frame_transient + window.first
    return replace(window, tsim=max(window.first, run.config.lyapunov.tsim_measured), transient=later)


def exponents_and_inputs(run: Run, setup: Setup, objective: NetworkObjective) -> tuple[int, torch.Tensor | None]:
    """Return the number of measured exponents, and the inputs (time, trials, channels) they are measured along.

    Without a task, inputs are None and the exponents are those of nle_measured, unless these are too many. With a task
    nle says how many, along the validation trials.
    """
    n = setup.size
    if run.config.has_task:
        return exponents_of(run, n), objective.validation.inputs
    return min(largest_frame(run, n), measured_exponents_of(run, n)), None


def _later_growth(spectrum: Spectrum, k: int) -> dict[str, torch.Tensor]:
    """Return growth (batches, k) of the exponents in the loss, and times (batches,), of the later record.

    The batches are those of the spectrum's own errors: a single one where the record is too short for errors.
    """
    leading = spectrum.growth[:, :k]  # of the frame's first vectors, whose growth does not depend on the others
    order = np.argsort(-leading.sum(0), kind="stable")
    count = batch_count(spectrum.times)
    batches = np.array_split(np.arange(len(spectrum.times)), count if count >= FEWEST_BATCHES else 1)
    growth, times = ([values[batch].sum(0) for batch in batches] for values in (leading[:, order], spectrum.times))
    return {"later_growth": torch.from_numpy(np.array(growth)), "later_times": torch.tensor(times)}


def measured_loss(run: Run, measured: dict[str, Any], target: np.ndarray) -> dict[str, float]:
    """Return loss and loss_stderr of the later growth of `measure`; empty without finite growth.

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
    """Return overlaps (trials, time, K) of the first validation trials with the selection vectors."""
    return network.overlaps(network.run(inputs[:, :OVERLAP_TRIALS])[0]).transpose(0, 1).cpu()
