"""Outputs of a simulation: arrays.npz and the summary of run.json."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from randomnet import results
from randomnet.artifacts.trained_files import trained_file
from randomnet.build.coupling_strength import strength_of_simulated
from randomnet.build.external_input import event_label
from randomnet.build.mean_field import mean_field_rates
from randomnet.build.populations import PopulationView
from randomnet.kinds.simulate.samples import RunSamples
from randomnet.kinds.spectra import status_of, summary_of
from randomnet.lyapunov import Spectrum


def write_outputs(
    samples: RunSamples, folder: results.RunFolder, spectrum: Spectrum | None, doubts: Sequence[str]
) -> dict[str, Any]:
    """Write what was simulated; return the record for run.json.

    doubts: notes on time constants for which the step is coarse.
    """
    view, config = samples.view, samples.view.run.config
    record = {
        "status": results.COMPLETE,
        "reason": "",
        "summary": {"neurons": view.connectome.n, **strength_of_simulated(view.run, view.connectome)},
        "connectome": view.connectome.facts() | _upstream(view),
    }
    if not samples.finite:
        return record | {"status": results.DIVERGED, "reason": "rates left the range of numbers"}
    notes, window = [*doubts], round(config.simulation.window / config.model.dt)
    times = (np.arange(samples.windows) + 0.5) * window * config.model.dt
    arrays = samples.finish() | {"times": times} | _population_arrays(view) | _event_arrays(view)
    rates, theory_note = _rates(view, arrays["rates_mean"])
    notes += [theory_note] if theory_note else []
    summary = {"rate": samples.rate, **rates, **_bump(arrays)}
    if spectrum is not None:
        arrays |= {"exponents": spectrum.exponents, "stderr": spectrum.stderr}
        summary |= summary_of(spectrum)
        notes += [summary["notes"]] if summary["notes"] else []
        status, reason = status_of(spectrum)
        if status != results.COMPLETE:
            record |= {"status": status, "reason": f"the spectrum: {reason}"}
    results.write_arrays(folder.path / "arrays.npz", arrays)
    record["summary"] |= summary | {"notes": "; ".join(notes)}
    return record


def _upstream(view: PopulationView) -> dict[str, Any]:
    """Return the facts of the trained network that is simulated; empty without one."""
    return {"upstream": [trained_file(view.run).facts()]} if view.run.config.paths.pretrained else {}


def _population_arrays(view: PopulationView) -> dict[str, np.ndarray]:
    """Return the populations, which one each neuron belongs to, and the unit of time."""
    return {
        "population": view.index,
        "populations": np.array(view.names),
        "time_unit": np.array(view.run.config.dynamics.time_unit),
    }


def _event_arrays(view: PopulationView) -> dict[str, np.ndarray]:
    settings = view.run.config.simulation
    if not settings.events:
        return {}
    return {
        "event_onset": np.array([event.onset for event in settings.events]),
        "event_offset": np.array([event.offset for event in settings.events]),
        "event_population": np.array([event.population for event in settings.events]),
        "event_label": np.array([event_label(event, settings) for event in settings.events]),
    }


def _rates(view: PopulationView, means: np.ndarray) -> tuple[dict[str, float], str]:
    """Return mean rates of the populations, measured and predicted by theory, and a note where theory has none."""
    rates = {f"rate_{name}": float(mean.mean()) for name, mean in zip(view.names, means, strict=True)}
    predicted, note = mean_field_rates(view)
    if predicted is not None:
        rates |= {f"theory_{name}": float(rate) for name, rate in zip(view.names, predicted, strict=True)}
    return rates, note


def _bump(arrays: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Return M0, M1 and modulation of the bump over the record and in the last window, and its last phase.

    Empty where no bump is decoded.
    """
    if "bump_mean" not in arrays:
        return {}
    mean, amplitude, last = arrays["bump_mean"], arrays["bump_amplitude"], arrays["bump_phase"][:, -1]
    vectors = np.exp(1j * last[np.isfinite(last)])
    direction = float(np.degrees(np.angle(vectors.mean())) % 360) if vectors.size else math.nan
    at_end = {f"{name}_end": value for name, value in _bump_size(mean[:, -1], amplitude[:, -1]).items()}
    return _bump_size(mean, amplitude) | at_end | {"bump_phase_end": direction}


def _bump_size(mean: np.ndarray, amplitude: np.ndarray) -> dict[str, float]:
    return {
        "bump_mean": float(mean.mean()),
        "bump_amplitude": float(amplitude.mean()),
        "bump_modulation": float(amplitude.mean() / mean.mean()) if mean.mean() > 0 else math.nan,
    }
