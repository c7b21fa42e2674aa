"""kind = simulate: rates of networks over time, with filters, plastic synapses, noise and events (NeuroTorch).

Runs of one size go side by side, whatever differs of them: couplings, inputs, seeds, time constants. Each writes the
rates of all neurons as means over windows, what is decoded of them, and beside them what mean-field theory says.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from randomnet import results
from randomnet.config import Config, ConfigError, Run
from randomnet.decoding import bump
from randomnet.kinds import building, simulated, spectral
from randomnet.kinds.columns import Columns, structure
from randomnet.kinds.interface import Cost, Recorded, Report, machine_memory, missing
from randomnet.kinds.networks import connectome_of, facts_of
from randomnet.kinds.simulated import Populace
from randomnet.kinds.spectrum import ticker
from randomnet.lyapunov import Schedule, Spectrum, random_frame
from randomnet.lyapunov import spectrum as leading_exponents
from randomnet.simulation import RateNetwork, Samples, flat, kept_names, simulate, whole
from randomnet.systems import FromSteps

WORKERS = None
UNIT = "τ"
HEADLINE = ("neurons", "rate", "bump_mean", "bump_modulation", "seconds")
MOST_BESIDE = 64
EDGE_BYTES, STATES = 24, 40  # of a connection; and vectors of a trajectory that are held at once
PROBE = 200  # steps of an estimate


def check(run: Run) -> dict[str, Any]:
    """Everything that can be wrong before the run starts; returns the connectome's facts. Raises ConfigError."""
    building.device_of(run.config)
    about = Populace(run, connectome_of(run))
    _fits(run, about.connectome.n)
    simulated.check_plastic(about)
    columns = Columns([about])
    with _said_of("[simulation] events:"):
        columns.input()
    with _said_of("[dynamics]"):
        there = kept_names(columns.network())
    for name in _kept(run):
        if name not in there:
            raise ConfigError(
                f"[simulation] keep: expected what the network has, {', '.join(there) or 'nothing'}, got {name}"
            )
    simulated.decoded(about)
    simulated.initial_rates(about)
    if run.config.uses_spectrum:
        _whole(about)
    return facts_of(run) | {"inputs": building.checksums_of(run)}


@contextmanager
def _said_of(option: str) -> Iterator[None]:
    """What the science objects to, as a ConfigError about the option."""
    try:
        yield
    except ConfigError:
        raise
    except ValueError as error:
        raise ConfigError(f"{option} {error}") from None


def _kept(run: Run) -> list[str]:
    keep = run.config.simulation.keep
    return [] if keep == "none" else keep.split(" + ")


def _fits(run: Run, n: int) -> None:
    """ConfigError for a record, or an input, that cannot fit into this machine's memory."""
    memory, need = machine_memory(), _bytes(run, n)
    if need > memory:
        raise ConfigError(
            "[analysis] duration: expected a record (with simulation.inputs = sequential also an input) that fits into "
            f"{memory / 1e9:.0f} GB of memory, got {need / 1e9:.3g} GB for {run.config.analysis.duration:g} "
            f"({n} neurons, {run.config.analysis.trajectories} trajectories)"
        )


def _bytes(run: Run, n: int) -> float:
    """What a run keeps: samples and states, and of a sequential input all steps."""
    chosen, item = run.config.simulation, building.PRECISIONS[run.config.trainvalidate.precision].itemsize
    samples = run.config.analysis.duration / chosen.window * (1 + len(_kept(run)))
    steps = (_simulated_time(run) / run.config.model.dt) if chosen.inputs == "sequential" else 1
    return item * n * run.config.analysis.trajectories * (samples + steps + STATES)


def length(run: Run) -> float:
    """Units of time that are simulated, and those of the spectrum."""
    return _simulated_time(run) + _spectrum_time(run)


def _simulated_time(run: Run) -> float:
    return run.config.analysis.settle + run.config.analysis.duration


def _spectrum_time(run: Run) -> float:
    if not run.config.uses_spectrum:
        return 0.0
    schedule = spectral.schedule_of(run)
    return schedule.first + schedule.transient + schedule.frame_transient


def beside(run: Run, facts: dict[str, Any]) -> int:
    """How many runs of this one's shape are simulated side by side."""
    chosen = run.config.execution
    each = _bytes(run, facts["neurons"]) + EDGE_BYTES * facts["edges"]
    most = MOST_BESIDE if chosen.batch_runs == "auto" else chosen.batch_runs
    return int(max(1, min(most, 1e6 * chosen.memory_budget / each)))


def execute(
    runs: Sequence[Run], folders: Sequence[results.RunFolder], report: Report, stop: Callable[[], bool]
) -> Recorded:
    """Simulate networks and write of each arrays.npz; returns what run.json says of them."""
    left, recorded = missing(runs, folders), []
    places = {run: folder for run, folder in zip(runs, folders, strict=True) if run in left}
    for abouts in _alike(runs):
        if any(about.run in places for about in abouts):
            recorded += _together(abouts, places, report, stop)
    return recorded


def _alike(runs: Sequence[Run]) -> list[list[Populace]]:
    """The networks of runs, those of one structure together."""
    found: dict[Any, list[Populace]] = {}
    for run in runs:
        about = Populace(run, connectome_of(run))
        found.setdefault(structure(about), []).append(about)
    return list(found.values())


def _together(
    abouts: Sequence[Populace], places: Mapping[Run, results.RunFolder], report: Report, stop: Callable[[], bool]
) -> Recorded:
    """Runs whose networks have the same parts, as one program; of all, as the last digits depend on how many there are,
    and written are those that have a place to be written to."""
    began, run, trials = time.perf_counter(), abouts[0].run, abouts[0].run.config.analysis.trajectories

    def told(row: dict[str, float]) -> None:
        for about in abouts:
            report(about.run, row)

    tick, past = ticker(length(run), told, stop), _simulated_time(run)
    found, network = _simulated(abouts, tick, run.config.analysis.duration)
    shared, recorded = (time.perf_counter() - began) / len(abouts), []
    for index, about in enumerate(abouts):
        if about.run not in places:
            continue
        began, spectrum = time.perf_counter(), None
        own = slice(index * trials, (index + 1) * trials)
        if about.run.config.uses_spectrum and bool(found.finite[own].all()):
            spectrum = _spectrum(about, lambda now: tick(past + now))
        record = _written(about, places[about.run], found, own, spectrum, network.doubts)
        record["summary"]["seconds"] = round(shared + time.perf_counter() - began, 2)
        recorded.append((about.run, record))
    return recorded


def _simulated(
    abouts: Sequence[Populace], tick: Callable[[float], None], duration: float
) -> tuple[Samples, RateNetwork]:
    """Columns of all runs, those of one beside each other: `duration` after the time in which they settle."""
    config = abouts[0].run.config
    dt, chosen = config.model.dt, config.simulation
    columns = Columns(abouts)
    network, generators = columns.network(), columns.generators()
    window, settle = round(chosen.window / dt), round(config.analysis.settle / dt)
    steps = max(1, round(duration / chosen.window)) * window
    found = simulate(
        network,
        columns.start(network, generators),
        columns.input(),
        steps=steps,
        window=window,
        transient=settle,
        at_once=chosen.inputs == "sequential",
        generators=generators,
        keep=_kept(abouts[0].run),
        tick=lambda done: tick(done * dt),
    )
    return found, network


# ---- what is written


def _written(
    about: Populace,
    folder: results.RunFolder,
    found: Samples,
    own: slice,
    spectrum: Spectrum | None,
    coarse: Sequence[str],
) -> dict[str, Any]:
    """Write what was simulated; what run.json says of it. coarse: what the step is coarse for."""
    record = {
        "status": results.COMPLETE,
        "reason": "",
        "summary": {"neurons": about.connectome.n},
        "connectome": about.connectome.facts(),
    }
    if not bool(found.finite[own].all()):
        return record | {"status": results.DIVERGED, "reason": "rates left the range of numbers"}
    rates, notes = found.rates[own].numpy(), [*coarse]
    arrays = _averaged(about, rates) | {"times": found.times, "rates": rates} | _events(about)
    arrays |= {f"kept_{name}": values[own].numpy() for name, values in found.kept.items()}
    bumps, decoded = _bump(about, rates)
    summary = {"rate": float(rates.mean(dtype=np.float64)), **_rates(about, arrays["rates_mean"]), **decoded}
    if spectrum is not None:
        arrays |= {"exponents": spectrum.exponents, "stderr": spectrum.stderr}
        summary |= spectral.figures(spectrum)
        notes += [summary["notes"]] if summary["notes"] else []
        if spectrum.diverged:
            record |= {"status": results.DIVERGED, "reason": f"the spectrum: {spectrum.doubts[0]}"}
    results.write_arrays(folder.path / "arrays.npz", arrays | bumps)
    record["summary"] |= summary | {"notes": "; ".join(notes)}
    return record


def _averaged(about: Populace, rates: np.ndarray) -> dict[str, np.ndarray]:
    """Means and deviations (P, trajectories, W) over the neurons of each population, and which those are."""
    of_each = [rates[..., about.index == number] for number in range(len(about.names))]
    return {
        "rates_mean": np.stack([own.mean(-1) for own in of_each]),
        "rates_sd": np.stack([own.std(-1) for own in of_each]),
        "population": about.index,
        "populations": np.array(about.names),
        "time_unit": np.array(about.run.config.dynamics.time_unit),
    }


def _rates(about: Populace, means: np.ndarray) -> dict[str, float]:
    """Mean rate of each population over the record, and what theory says of it where that holds."""
    found = {f"rate_{name}": float(own.mean()) for name, own in zip(about.names, means, strict=True)}
    predicted = simulated.predicted(about)
    if predicted is not None:
        found |= {f"theory_{name}": float(rate) for name, rate in zip(about.names, predicted, strict=True)}
    return found


@torch.no_grad()
def _spectrum(about: Populace, tick: Callable[[float], None], schedule: Schedule | None = None) -> Spectrum:
    """Of the whole state, in float64."""
    system, start, k = _whole(about)
    frame = torch.from_numpy(random_frame(about.run.generator("basis"), k, len(start)))
    return leading_exponents(system, start, frame, schedule or spectral.schedule_of(about.run), tick)


def _whole(about: Populace) -> tuple[FromSteps, torch.Tensor, int]:
    """The whole state of a run as a system, its first one, and how many exponents are computed. Raises ConfigError."""
    config, run = about.run.config, about.run
    alone = replace(config, analysis=replace(config.analysis, trajectories=1),
                    trainvalidate=replace(config.trainvalidate, precision="float64"))  # fmt: skip
    columns = Columns([replace(about, run=replace(run, config=alone))])
    network, drive = columns.network(), about.connectome.drive
    system = whole(network, np.zeros(about.connectome.n) if drive is None else drive)
    start = flat(network, columns.start(network, []))
    return system, start, building.exponents_of(run, len(start))


def _events(about: Populace) -> dict[str, np.ndarray]:
    events = about.run.config.simulation.events
    if not events:
        return {}
    return {
        "event_onset": np.array([event.onset for event in events]),
        "event_offset": np.array([event.offset for event in events]),
        "event_population": np.array([event.population for event in events]),
        "event_label": np.array([simulated.label_of(event, about.run.config.simulation) for event in events]),
    }


def _bump(about: Populace, rates: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """The decoded population's M0, M1 and phase over time, and of the first two the means, of the phase that of the
    last window; nothing where none is decoded."""
    decoded = simulated.decoded(about)
    if decoded is None:
        return {}, {}
    units, angles = decoded
    mean, amplitude, phase = bump(rates[..., units].astype(np.float64), angles)
    arrays = {"bump_mean": mean, "bump_amplitude": amplitude, "bump_phase": phase}
    last = phase[:, -1]
    where = np.exp(1j * last[np.isfinite(last)])
    direction = float(np.degrees(np.angle(where.mean())) % 360) if where.size else math.nan
    return arrays, {
        "bump_mean": float(mean.mean()),
        "bump_amplitude": float(amplitude.mean()),
        "bump_modulation": float(amplitude.mean() / mean.mean()) if mean.mean() > 0 else math.nan,
        "bump_phase_end": direction,
    }


def estimate(runs: Sequence[Run]) -> Cost:
    """Time of each run, from some windows of all, side by side, after some to warm up."""
    chosen, total = runs[0].config, 0.0
    probe = math.ceil(PROBE * chosen.model.dt / chosen.simulation.window) * chosen.simulation.window
    for abouts in _alike([replace(run, config=_at_once(run.config)) for run in runs]):
        _simulated(abouts, lambda done: None, chosen.simulation.window)
        began = time.perf_counter()
        _simulated(abouts, lambda done: None, probe)
        total += time.perf_counter() - began
    unit = total / probe / len(runs)
    exact = 0.0
    if chosen.uses_spectrum:
        first = Populace(runs[0], connectome_of(runs[0]))
        pace = spectral.pace(lambda short: _spectrum(first, lambda now: None, short), runs[0])
        exact = pace * _spectrum_time(runs[0])
    return Cost(unit, unit * _simulated_time(runs[0]) + exact)


def _at_once(config: Config) -> Config:
    """The same without a time to settle."""
    return replace(config, analysis=replace(config.analysis, settle=0.0))
