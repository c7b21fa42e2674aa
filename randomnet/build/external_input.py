"""From a Run's config to the external input of a simulation: its strength, filter and events."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from randomnet.build import pretrained
from randomnet.build.initial_rates import trajectory_count
from randomnet.build.populations import VECTORS, PopulationView
from randomnet.formats import FormatError, load_npy
from randomnet.kinds.simulate.options import SimulationSection
from randomnet.schema.config import Config
from randomnet.schema.plan import Run
from randomnet.settings import ConfigError
from randomnet.simulation import Event
from randomnet.values.events import READ, Written


class ScaledEvent(NamedTuple):
    """An event of a run in the units of its input: the number of its population, and its vector (n,) or None."""

    population: int
    pattern: str
    onset: float
    offset: float
    amplitude: float
    phase: float
    sigma: float
    vector: np.ndarray | None


def scaled_events(view: PopulationView) -> list[ScaledEvent]:
    """Return the events of a run. Raises ConfigError."""
    settings, events = view.run.config.simulation, []
    scale = settings.amplitude * math.sqrt(external_degree(view.run))
    for event in settings.events:
        _check_time(event, view.run.config)
        units, vector = view.units(event.population, "[simulation] events"), None
        if event.pattern in VECTORS or event.pattern in ("random", "channel"):
            vector = _vector(view, event)[units]
        events.append(
            ScaledEvent(
                view.names.index(event.population),
                event.pattern if vector is None else "vector",
                event.onset,
                event.offset,
                event.amplitude * (settings.amplitude if event.pattern == "channel" else scale),
                event.phase + settings.turned,
                event.sigma,
                vector,
            )
        )
    return events


def input_series(view: PopulationView) -> np.ndarray | None:
    """Return the input (1 or trajectories, steps, N) of simulation.input_file; None without one. Raises ConfigError."""
    name, n = view.run.config.simulation.input_file, view.connectome.n
    if not name:
        return None
    try:
        values = load_npy(Path(name).expanduser())
    except FormatError as error:
        raise ConfigError(f"[simulation] input_file: {error}") from None
    trials, shape, weights = trajectory_count(view.run.config), values.shape, None
    if values.ndim in (2, 3) and shape[-1] != n and view.run.config.paths.pretrained:
        weights = pretrained.trained_inputs(view.run)
    widths = [n, *([] if weights is None else [weights.shape[1]])]
    fits = values.ndim in (2, 3) and shape[-1] in widths and (values.ndim == 2 or len(values) in (1, trials))
    if not fits or values.dtype.kind not in "fiub" or not np.isfinite(values).all():
        shapes = " or ".join(f"(steps, {width}) or ({trials}, steps, {width})" for width in widths)
        expected = f"finite numbers of shape {shapes}"
        came = f"{values.dtype} of shape {shape} in {name}"
        raise ConfigError(f"[simulation] input_file: expected {expected}, got {came}")
    values = values.astype(float) if weights is None else values @ weights.T
    return values if values.ndim == 3 else values[None]


def stack_series(series: Sequence[np.ndarray | None], trials: int, n: int) -> np.ndarray | None:
    """Return the series (1 or C, steps, N) of all runs' trajectories; 0 after the end of a shorter one, or without one.

    series: those of each run.
    """
    present = [values for values in series if values is not None]
    if not present:
        return None
    if len(series) == 1 and len(present[0]) == 1:
        return present[0]
    stacked = np.zeros((len(series), trials, max(values.shape[1] for values in present), n))
    for run, values in enumerate(series):
        if values is not None:
            stacked[run, :, : values.shape[1]] = values
    return stacked.reshape(-1, *stacked.shape[2:])


def event_label(event: Written, settings: SimulationSection) -> str:
    """Return the label of an event in figures."""
    angle = f" at {(event.phase + settings.turned) % 360:g}°" if "phase" in READ.get(event.pattern, ()) else ""
    return f"{event.pattern} {settings.amplitude * event.amplitude:g}{angle}"


def stack_events(events: Sequence[Sequence[ScaledEvent]], trials: int) -> tuple[Event, ...]:
    """Return the events of runs with equal populations and patterns, with a column for each trial of each run.

    events: those of each run.
    """
    stacked = []
    for of_runs in zip(*events, strict=True):
        columns = {
            key: np.repeat(np.array([getattr(event, key) for event in of_runs]), trials)
            for key in ("onset", "offset", "amplitude", "phase", "sigma")
        }
        first = of_runs[0]
        vector = None if first.vector is None else np.repeat([event.vector for event in of_runs], trials, axis=0)
        stacked.append(Event(population=first.population, pattern=first.pattern, vector=vector, **columns))
    return tuple(stacked)


def external_degree(run: Run) -> float:
    """Return the degree K of the external input, 1 without one."""
    degree = run.config.populations.external_degree
    return 1.0 if run.config.net.source != "populations" or degree == "none" else degree


def external_weights(view: PopulationView) -> np.ndarray:
    """Return the input (N,) per unit of the external rate, sqrt(K) J0."""
    strengths = dict(view.run.config.populations.external)
    values = np.array([strengths.get(name, 0.0) for name in view.names])
    return math.sqrt(external_degree(view.run)) * values[view.index]


def early_input_factor(view: PopulationView) -> float:
    """Return the factor of the external input until the first event begins."""
    weak = view.run.config.simulation.weak_before
    return 1 / math.sqrt(external_degree(view.run)) if weak else 1.0


def input_tau(view: PopulationView) -> float:
    """Return the time constant of the external input's filter, 0 without a filter."""
    tau = view.run.config.simulation.tau_input
    return 0.0 if tau == "none" else tau


def _check_time(event: Written, config: Config) -> None:
    """Raise ConfigError for an event that is shorter than a step, or not within the record."""
    dt = config.model.dt
    onset, offset = (math.floor(time / dt + 0.5) for time in (event.onset, event.offset))
    if not onset < offset or onset * dt >= config.analysis.duration:
        raise ConfigError(
            f"[simulation] events: expected at least one step of {dt:g} (model.dt) within {config.analysis.duration:g} "
            f"(analysis.duration), got from {event.onset:g} to {event.offset:g}"
        )


def _vector(view: PopulationView, event: Written) -> np.ndarray:
    """Return the vector (N,) of an event. Raises ConfigError."""
    if event.pattern in VECTORS:
        return view.low_rank[:, VECTORS[event.pattern]]
    number = int(event.vector)
    if number != event.vector or number < 1:
        raise ConfigError(f"[simulation] events: expected vector 1, 2, ..., got {event.vector:g}")
    if event.pattern == "channel":
        weights = pretrained.trained_inputs(view.run)
        if number > weights.shape[1]:
            expected = f"channels 1 to {weights.shape[1]} of the trained network"
            raise ConfigError(f"[simulation] events: expected {expected}, got vector {number}")
        return weights[:, number - 1]
    return view.run.generator("events", number).standard_normal(view.connectome.n)


